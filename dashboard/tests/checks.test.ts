import { describe, expect, it } from "vitest";
import { parseObject, parseTools } from "../src/lib/checks.ts";

const tool = (rest: object): string => JSON.stringify([{ type: "function", function: { name: "look_up", ...rest } }]);

describe("parseObject", () => {
  it("takes nothing as an empty object", () => {
    expect(parseObject("  ")).toEqual({ value: {}, problem: "" });
  });

  it.each(["[]", "null", "1", '"a"', "{"])("refuses %s", (text) => {
    expect(parseObject(text).value).toBeNull();
    expect(parseObject(text).problem).not.toBe("");
  });
});

describe("parseTools", () => {
  it.each([
    "",
    '[{"type":"file_search"},{"type":"code_interpreter"}]',
    tool({}),
    tool({ parameters: { type: ["string", "null"] } }),
    tool({ parameters: { type: "object", properties: { a: true }, required: ["a"] } }),
  ])("takes %s", (text) => {
    expect(parseTools(text).problem).toBe("");
  });

  it.each([
    ["{}", "list"],
    ["[1]", "Tool 1"],
    ['[{"type":"browser"}]', "type is one of"],
    ['[{"type":"function"}]', "function is missing"],
    [tool({ name: "has space" }), "function.name"],
    [tool({ parameters: "text" }), "parameters is no JSON schema"],
    [tool({ parameters: { properties: { a: { type: "text" } } } }), "parameters.properties.a.type"],
    [tool({ parameters: { type: "array", items: { type: 7 } } }), "parameters.items.type"],
    [tool({ parameters: { required: [1] } }), "parameters.required"],
  ])("says what is wrong with %s", (text, problem) => {
    expect(parseTools(text).value).toBeNull();
    expect(parseTools(text).problem).toContain(problem);
  });
});
