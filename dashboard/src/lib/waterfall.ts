// The bars of a run on one axis, from its trace, or from its steps where no trace is kept.
import type { RunStep, Run, Schemas, Trace } from "./api.ts";

export type Kind = "queue" | "model" | "tool" | "wait" | "release" | "step";

export interface Bar {
  kind: Kind;
  label: string;
  start: number;
  end: number;
  /** When the first token came, within a call of a model. */
  mark: number | null;
  failed: boolean;
  stepId: string | null;
  call: Schemas["TracedCall"] | null;
}

export interface Waterfall {
  bars: Bar[];
  start: number;
  end: number;
}

type Entry = Trace["entries"][number];

function bar(kind: Kind, label: string, start: number, end: number, more: Partial<Bar> = {}): Bar {
  const rest = { mark: null, failed: false, stepId: null, call: null };
  return { kind, label, start, end: Math.max(start, end), ...rest, ...more };
}

function ofEntry(entry: Entry, now: number): Bar {
  switch (entry.type) {
    case "claim":
      return bar("queue", "queue", entry.queued_at, entry.claimed_at);
    case "model_call":
      return bar("model", entry.model, entry.started_at, entry.ended_at, {
        mark: entry.first_token_at ?? null,
        failed: entry.outcome === "failed" || entry.outcome === "too_long",
        stepId: entry.step_id ?? null,
        call: entry,
      });
    case "tool_work":
      return bar("tool", entry.name, entry.started_at, entry.ended_at, {
        stepId: entry.step_id ?? null,
      });
    case "output_wait":
      return bar("wait", "waits for outputs", entry.asked_at, entry.submitted_at ?? now, {
        stepId: entry.step_id,
      });
    case "release":
      return bar("release", entry.reason === "released" ? "released" : "lease ended", entry.at, entry.at, {
        failed: entry.reason === "lease_ended",
      });
  }
}

function ofStep(step: RunStep, now: number): Bar {
  const end = step.completed_at ?? step.failed_at ?? step.cancelled_at ?? step.expired_at ?? now;
  const label = step.type === "tool_calls" ? "tool calls" : "message";
  return bar("step", label, step.created_at, end, {
    failed: step.status === "failed",
    stepId: step.id,
  });
}

export function waterfall(run: Run, trace: Trace | null, steps: RunStep[], now: number): Waterfall {
  const entries = trace?.is_kept ? trace.entries : [];
  const bars = entries.length
    ? entries.map((each) => ofEntry(each, now))
    : steps.map((each) => ofStep(each, now));
  const ends = run.completed_at ?? run.failed_at ?? run.cancelled_at ?? null;
  const start = Math.min(...bars.map((each) => each.start), bars.length ? Infinity : run.created_at);
  // Times of the run have whole seconds; the bars know better.
  const end = Math.max(...bars.map((each) => each.end), bars.length ? -Infinity : (ends ?? now));
  return { bars, start, end: Math.max(end, start + 0.001) };
}

/** Returns round marks for an axis of so many seconds, at most `most` of them. */
export function ticks(seconds: number, most = 6): number[] {
  const rough = seconds / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough) ?? rough;
  const found: number[] = [];
  for (let at = 0; at <= seconds * 1.0001; at += step) found.push(at);
  return found;
}
