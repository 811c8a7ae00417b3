import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

// All URLs are relative: the page works below any path of a proxy.
export default defineConfig({
  base: "./",
  plugins: [svelte()],
  build: {
    outDir: "../src/perdure/dashboard/files",
    emptyOutDir: true,
    // The policy of the page lets nothing in as a data URL.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
