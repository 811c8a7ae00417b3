import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { asCurl, asNode, asPython, python, shellWord } from "../src/lib/snippets.ts";

const HOSTILE = [
  "it's",
  "'; touch /tmp/x; '",
  "$(id) `id` $HOME \\ \"",
  "line\nbreak\ttab",
  "é 漢 😀 \u2028 \u0000 \u007f",
  "*/ </script> ${x} {x!r} %s",
];
const CALL = {
  base: "http://127.0.0.1:7373/v1",
  threadId: "thread_1",
  body: {
    assistant_id: "asst_1",
    instructions: HOSTILE.join(" "),
    temperature: 0.5,
    stream: false,
    tools: [],
    metadata: { "a'b": HOSTILE[1] },
    response_format: null,
  },
};

function output(command: string, args: string[]): string {
  const ended = spawnSync(command, args, { encoding: "utf8" });
  expect(ended.stderr).toBe("");
  return ended.stdout;
}

describe("shellWord", () => {
  it("gives a shell exactly the text", () => {
    for (const text of HOSTILE.filter((each) => !each.includes("\0"))) {
      expect(output("sh", ["-c", `printf %s ${shellWord(text)}`])).toBe(text);
    }
  });
});

describe("python", () => {
  it("gives Python exactly the value", () => {
    const program = `import json; print(json.dumps(${python(CALL.body)}))`;
    expect(JSON.parse(output("python3", ["-c", program]))).toEqual(CALL.body);
  });
});

describe("a run as a request", () => {
  it("is a curl command with the body as it is and no key", () => {
    const printed = output("sh", ["-c", `curl() { for each; do last=$each; done; printf %s "$last"; }\n${asCurl(CALL)}`]);
    expect(JSON.parse(printed)).toEqual(CALL.body);
    expect(asCurl(CALL)).toContain("Bearer $OPENAI_API_KEY");
  });

  it("is a program that Python can parse", () => {
    output("python3", ["-c", "import ast, sys; ast.parse(sys.argv[1])", asPython(CALL)]);
  });

  it("is a program that Node calls with the same body", () => {
    const called: unknown[] = [];
    const runs = { createAndPoll: (...given: unknown[]) => called.push(...given) };
    const source = asNode(CALL)
      .replace(/^import .*$/m, "")
      .replace("await ", "")
      .replace(/^console.*$/m, "");
    new Function("OpenAI", source)(function client() {
      return { beta: { threads: { runs } } };
    });
    expect(called).toEqual(["thread_1", CALL.body]);
  });
});
