// A run as a request that can be pasted: curl, Python, Node. Keys are never in it.

export interface Call {
  base: string;
  threadId: string;
  body: Record<string, unknown>;
}

/** Returns a text as one word of a POSIX shell. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Returns a JSON value as Python writes it. */
export function python(value: unknown, indent = ""): string {
  const deeper = `${indent}    `;
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    return `[\n${value.map((each) => `${deeper}${python(each, deeper)},\n`).join("")}${indent}]`;
  }
  if (typeof value === "object") {
    const pairs = Object.entries(value);
    if (pairs.length === 0) return "{}";
    const lines = pairs.map(([name, each]) => `${deeper}${text(name)}: ${python(each, deeper)},\n`);
    return `{\n${lines.join("")}${indent}}`;
  }
  return typeof value === "string" ? text(value) : String(value);
}

/** A JSON string is one of Python and JavaScript, but for what JSON leaves as it is. */
function text(value: string): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

export function asCurl({ base, threadId, body }: Call): string {
  return [
    `curl ${shellWord(`${base}/threads/${threadId}/runs`)} \\`,
    `  -H "Authorization: Bearer $OPENAI_API_KEY" \\`,
    `  -H 'OpenAI-Beta: assistants=v2' \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d ${shellWord(JSON.stringify(body, null, 2))}`,
  ].join("\n");
}

export function asPython({ base, threadId, body }: Call): string {
  const lines = Object.entries(body).map(([name, value]) => `    ${name}=${python(value, "    ")},`);
  return [
    "from openai import OpenAI",
    "",
    `client = OpenAI(base_url=${text(base)})  # the key is in OPENAI_API_KEY`,
    "run = client.beta.threads.runs.create_and_poll(",
    `    thread_id=${text(threadId)},`,
    ...lines,
    ")",
    "print(run.status)",
  ].join("\n");
}

export function asNode({ base, threadId, body }: Call): string {
  return [
    `import OpenAI from "openai";`,
    "",
    `const client = new OpenAI({ baseURL: ${text(base)} }); // the key is in OPENAI_API_KEY`,
    "const run = await client.beta.threads.runs.createAndPoll(",
    `  ${text(threadId)},`,
    `  ${JSON.stringify(body, null, 2).replaceAll("\n", "\n  ")},`,
    ");",
    "console.log(run.status);",
  ].join("\n");
}
