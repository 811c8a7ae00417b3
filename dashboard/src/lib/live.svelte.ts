// The one live stream of the page: changes of all runs of the project.
import { request, type Run } from "./api.ts";
import { events } from "./sse.ts";

type Listener = (run: Run) => void;

const PAUSE_MS = 2000;

const listeners = new Set<Listener>();
let stop: AbortController | null = null;
let open = $state(false);

export const live = {
  get isOpen(): boolean {
    return open;
  },
};

/** Calls back with each change of a run, until the returned function is called. */
export function onRunChange(listener: Listener): () => void {
  listeners.add(listener);
  if (!stop) void follow((stop = new AbortController()));
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) restart();
  };
}

/** Ends the stream; it begins anew if somebody listens, as for another project. */
export function restart(): void {
  stop?.abort();
  stop = null;
  if (listeners.size > 0) void follow((stop = new AbortController()));
}

async function follow(control: AbortController): Promise<void> {
  let last: string | null = null;
  while (!control.signal.aborted) {
    try {
      const path: string = last ? `/runs/stream?after=${encodeURIComponent(last)}` : "/runs/stream";
      const answer = await request("GET", path, undefined, control.signal);
      open = true;
      for await (const event of events(answer)) {
        last = event.id ?? last;
        const run = JSON.parse(event.data) as Run;
        for (const each of listeners) each(run);
      }
    } catch {
      // Where runs are not listed there is no stream; else the server is away for a while.
    }
    open = false;
    await new Promise((done) => setTimeout(done, PAUSE_MS));
  }
}
