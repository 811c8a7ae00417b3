import { describe, expect, it } from "vitest";
import type { Run, RunStep, Trace } from "../src/lib/api.ts";
import { ticks, waterfall } from "../src/lib/waterfall.ts";

const NOW = 2000;
const RUN = { id: "run_1", created_at: 1000, completed_at: null, failed_at: null, cancelled_at: null } as Run;

function trace(entries: object[], isKept = true): Trace {
  return { is_kept: isKept, entries } as unknown as Trace;
}

const CLAIM = { type: "claim", queued_at: 1000, claimed_at: 1001.5 };
const CALL = {
  type: "model_call", model: "m", started_at: 1001.6, first_token_at: 1002, ended_at: 1003, outcome: "answered", step_id: "step_1",
};

describe("waterfall", () => {
  it("puts every entry of a trace on one axis", () => {
    const found = waterfall(RUN, trace([CLAIM, CALL]), [], NOW);
    expect(found.bars.map((bar) => [bar.kind, bar.start, bar.end, bar.mark])).toEqual([
      ["queue", 1000, 1001.5, null],
      ["model", 1001.6, 1003, 1002],
    ]);
    expect([found.start, found.end]).toEqual([1000, 1003]);
  });

  it.each([
    ["failed", true],
    ["too_long", true],
    ["answered", false],
    ["called_tools", false],
    ["truncated", false],
  ])("marks a call whose outcome is %s: %s", (outcome, isFailed) => {
    expect(waterfall(RUN, trace([{ ...CALL, outcome }]), [], NOW).bars[0]?.failed).toBe(isFailed);
  });

  it("lets a wait that nobody ended last until now", () => {
    const wait = { type: "output_wait", asked_at: 1500, submitted_at: null, step_id: "step_1" };
    expect(waterfall(RUN, trace([wait]), [], NOW).bars[0]).toMatchObject({ kind: "wait", start: 1500, end: NOW });
  });

  it("marks a lease that ended, and not a run that was handed on", () => {
    const releases = ["lease_ended", "released"].map((reason) => ({ type: "release", reason, at: 1200 }));
    expect(waterfall(RUN, trace(releases), [], NOW).bars.map((bar) => bar.failed)).toEqual([true, false]);
  });

  it("never ends a bar before it starts, whatever the clocks of two servers say", () => {
    const bar = waterfall(RUN, trace([{ ...CLAIM, claimed_at: 999 }]), [], NOW).bars[0];
    expect(bar?.end).toBe(bar?.start);
  });

  it("shows the steps where no trace is kept", () => {
    const step = { id: "step_1", type: "tool_calls", status: "failed", created_at: 1001, failed_at: 1004 } as RunStep;
    for (const kept of [null, trace([CLAIM], false)]) {
      expect(waterfall(RUN, kept, [step], NOW).bars).toMatchObject([{ kind: "step", start: 1001, end: 1004, failed: true }]);
    }
  });

  it("has an axis of some length where there are no bars", () => {
    for (const now of [RUN.created_at, NOW]) {
      const { bars, start, end } = waterfall(RUN, null, [], now);
      expect(bars).toEqual([]);
      expect(Number.isFinite(start) && end > start).toBe(true);
    }
  });
});

describe("ticks", () => {
  it.each([0.001, 0.07, 1, 3, 59, 600, 86_400])("marks an axis of %d seconds evenly from zero", (seconds) => {
    const found = ticks(seconds);
    const [first, second = 0] = found;
    expect(first).toBe(0);
    expect(found.length).toBeGreaterThanOrEqual(2);
    expect(found.length).toBeLessThanOrEqual(7);
    for (const [index, at] of found.entries()) expect(at).toBeCloseTo(index * second, 6);
    expect(found.at(-1)).toBeLessThanOrEqual(seconds * 1.001);
  });
});
