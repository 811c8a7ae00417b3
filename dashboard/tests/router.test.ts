// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { link, parse } from "../src/lib/router.svelte.ts";

describe("the address", () => {
  it.each([["run_1"], ["a/b"], ["a?b=c#d"], ["é 漢"], ["100%"], ["../x"], ["javascript:alert(1)"]])(
    "leads back to the object whose id is %s",
    (id) => {
      expect(parse(link("runs", id)).path).toEqual(["runs", id]);
    },
  );

  it("has a query beside its path", () => {
    const { path, query } = parse("#/runs?status=failed&model=a%20b");
    expect(path).toEqual(["runs"]);
    expect(Object.fromEntries(query)).toEqual({ status: "failed", model: "a b" });
  });

  it.each(["", "#", "#/", "#//"])("is that of no screen for %j", (hash) => {
    expect(parse(hash).path).toEqual([]);
  });

  it("keeps a part that is no encoding as it is", () => {
    expect(parse("#/runs/%E0%A4").path).toEqual(["runs", "%E0%A4"]);
  });
});
