// The screens: where each stands, and when there is something for it.
import type { Component } from "svelte";
import type { Session } from "./lib/session.svelte.ts";

export interface Screen {
  path: string;
  title: string;
  load: () => Promise<{ default: Component<{ id: string }> }>;
  /** The screen of one object: `#/runs/run_123`. */
  one?: () => Promise<{ default: Component<{ id: string }> }>;
  has?: (session: Session) => boolean;
}

type Loaded = Promise<{ default: Component<{ id: string }> }>;
const screen = (loaded: Promise<{ default: unknown }>): Loaded => loaded as Loaded;

export const SCREENS: Screen[] = [
  {
    path: "overview",
    title: "Overview",
    load: () => screen(import("./screens/Overview.svelte")),
    has: (session) => session.capabilities.list_threads,
  },
  {
    path: "runs",
    title: "Runs",
    load: () => screen(import("./screens/Runs.svelte")),
    one: () => screen(import("./screens/RunInspector.svelte")),
  },
  {
    path: "threads",
    title: "Threads",
    load: () => screen(import("./screens/Threads.svelte")),
    one: () => screen(import("./screens/ThreadView.svelte")),
  },
  {
    path: "assistants",
    title: "Assistants",
    load: () => screen(import("./screens/Assistants.svelte")),
    one: () => screen(import("./screens/AssistantForm.svelte")),
  },
  { path: "playground", title: "Playground", load: () => screen(import("./screens/Playground.svelte")) },
  {
    path: "files",
    title: "Files",
    load: () => screen(import("./screens/Files.svelte")),
    one: () => screen(import("./screens/FileView.svelte")),
  },
  {
    path: "stores",
    title: "Vector stores",
    load: () => screen(import("./screens/Stores.svelte")),
    one: () => screen(import("./screens/StoreView.svelte")),
  },
  {
    path: "usage",
    title: "Usage",
    load: () => screen(import("./screens/UsageReport.svelte")),
    has: (session) => session.capabilities.admin,
  },
  {
    path: "projects",
    title: "Projects and keys",
    load: () => screen(import("./screens/Projects.svelte")),
    one: () => screen(import("./screens/ProjectKeys.svelte")),
    has: (session) => session.capabilities.admin,
  },
  { path: "webhooks", title: "Webhooks", load: () => screen(import("./screens/Webhooks.svelte")) },
  {
    path: "health",
    title: "Health",
    load: () => screen(import("./screens/Health.svelte")),
    has: (session) => session.capabilities.operator,
  },
];
