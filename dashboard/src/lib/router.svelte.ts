// The address of the page: what stands behind `#`, so that it works below any path.
import { untrack } from "svelte";

export interface Address {
  /** The parts of the path, decoded: `["runs", "run_123"]`. */
  path: string[];
  query: URLSearchParams;
}

export function parse(hash: string): Address {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const parts = path.split("/").filter(Boolean);
  return { path: parts.map(decode), query: new URLSearchParams(query) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Returns the link to a screen, or to an object on it. */
export function link(...path: string[]): string {
  return `#/${path.map(encodeURIComponent).join("/")}`;
}

let current = $state(parse(location.hash));

window.addEventListener("hashchange", () => {
  current = parse(location.hash);
});

export const route = {
  get path(): string[] {
    return current.path;
  },
};

/** Returns the query with which a screen begins; it does not depend on what becomes of it. */
export function firstQuery(): URLSearchParams {
  return untrack(() => current.query);
}

export function go(hash: string): void {
  location.hash = hash;
}

/** Changes the query of the address without an entry in the history. */
export function setQuery(values: Record<string, string>): void {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value) query.set(name, value);
  const text = query.toString();
  // Whoever calls this in an effect does not depend on the address.
  const path = untrack(() => current.path);
  const hash = link(...path) + (text ? `?${text}` : "");
  if (hash === location.hash) return;
  history.replaceState(null, "", hash);
  current = parse(location.hash);
}
