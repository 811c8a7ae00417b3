// After a build: makes compressed copies, and fails if the first screen has become too large.
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const OUT = new URL("../../src/perdure/dashboard/files/", import.meta.url).pathname;
const MOST_BYTES = 150_000;

const manifest = JSON.parse(readFileSync(join(OUT, ".vite/manifest.json"), "utf8"));
rmSync(join(OUT, ".vite"), { recursive: true });

const sizes = new Map();
for (const name of readdirSync(join(OUT, "assets"))) {
  const path = join(OUT, "assets", name);
  const zipped = gzipSync(readFileSync(path), { level: 9 });
  writeFileSync(`${path}.gz`, zipped);
  sizes.set(`assets/${name}`, zipped.length);
}

/** Adds a chunk and all that it imports at once to what a browser loads. */
function load(key, seen) {
  if (seen.has(key)) return;
  seen.add(key);
  for (const next of manifest[key].imports ?? []) load(next, seen);
}

function bytes(...keys) {
  const seen = new Set();
  for (const key of keys) load(key, seen);
  const files = [...seen].flatMap((key) => [manifest[key].file, ...(manifest[key].css ?? [])]);
  return [...new Set(files)].reduce((sum, file) => sum + (sizes.get(file) ?? 0), 0);
}

const screens = Object.keys(manifest).filter((key) => key.startsWith("src/screens/"));
let failed = false;
for (const screen of screens) {
  const total = bytes("index.html", screen);
  const verdict = total <= MOST_BYTES ? "" : `  MORE THAN ${MOST_BYTES}`;
  console.log(`${screen}: ${(total / 1000).toFixed(1)} kB gzip with the page${verdict}`);
  failed ||= total > MOST_BYTES;
}
process.exit(failed ? 1 : 0);
