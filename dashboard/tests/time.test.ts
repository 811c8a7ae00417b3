import { describe, expect, it } from "vitest";
import { ago, length } from "../src/lib/time.ts";

describe("ago", () => {
  it.each([
    [0, "now"],
    [4, "now"],
    [59, "59 s ago"],
    [60, "1 min ago"],
    [3599, "59 min ago"],
    [7200, "2 h ago"],
    [200_000, "2 d ago"],
    [-90, "in 1 min"],
  ])("tells %d seconds as %s", (seconds, expected) => {
    expect(ago(1_000_000 - seconds, 1_000_000)).toBe(expected);
  });
});

describe("length", () => {
  it.each([
    [-1, "0 ms"],
    [0.0004, "0 ms"],
    [0.85, "850 ms"],
    [0.9996, "1.00 s"],
    [12.34, "12.3 s"],
    [59.97, "1 min"],
    [65, "1 min 5 s"],
    [3660, "1 h 1 min"],
  ])("tells %d seconds as %s", (seconds, expected) => {
    expect(length(seconds)).toBe(expected);
  });
});
