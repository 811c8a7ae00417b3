// Checks of what is typed, before it is sent. The server has the last word.

export interface Checked<T> {
  value: T | null;
  /** What is wrong with it, for the user; empty if nothing is. */
  problem: string;
}

const NAME = /^[a-zA-Z0-9_-]{1,64}$/;

function parsed(text: string): Checked<unknown> {
  try {
    return { value: JSON.parse(text), problem: "" };
  } catch (error) {
    return { value: null, problem: error instanceof Error ? error.message : "This is not JSON." };
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Parses an object of JSON; nothing at all is an empty one. */
export function parseObject(text: string): Checked<Record<string, unknown>> {
  const { value, problem } = parsed(text.trim() || "{}");
  if (problem) return { value: null, problem };
  return isObject(value) ? { value, problem: "" } : { value: null, problem: "Expected an object: { … }" };
}

/** Parses a list of tools. */
export function parseTools(text: string): Checked<unknown[]> {
  const { value, problem } = parsed(text.trim() || "[]");
  if (problem) return { value: null, problem };
  if (!Array.isArray(value)) return { value: null, problem: "Expected a list: [ … ]" };
  for (const [index, tool] of value.entries()) {
    const wrong = problemOf(tool);
    if (wrong) return { value: null, problem: `Tool ${index + 1}: ${wrong}` };
  }
  return { value, problem: "" };
}

function problemOf(tool: unknown): string {
  if (!isObject(tool)) return "expected an object with a type";
  if (tool.type === "file_search" || tool.type === "code_interpreter") return "";
  if (tool.type !== "function") return "type is one of function, file_search, code_interpreter";
  if (!isObject(tool.function)) return "function is missing";
  const { name, parameters } = tool.function;
  if (typeof name !== "string" || !NAME.test(name)) {
    return "function.name has up to 64 letters, digits, underscores and hyphens";
  }
  if (parameters !== undefined && parameters !== null) return schemaProblem(parameters, "parameters");
  return "";
}

const TYPES = ["object", "array", "string", "number", "integer", "boolean", "null"];

/** Returns what is evidently wrong with a JSON schema. */
function schemaProblem(schema: unknown, where: string): string {
  if (typeof schema === "boolean") return "";
  if (!isObject(schema)) return `${where} is no JSON schema`;
  const types = Array.isArray(schema.type) ? schema.type : schema.type === undefined ? [] : [schema.type];
  const unknown = types.find((each) => !TYPES.includes(each as string));
  if (unknown !== undefined) return `${where}.type is no type of JSON schema: ${String(unknown)}`;
  const { properties, required, items } = schema;
  if (properties !== undefined) {
    if (!isObject(properties)) return `${where}.properties is no object`;
    for (const [name, each] of Object.entries(properties)) {
      const wrong = schemaProblem(each, `${where}.properties.${name}`);
      if (wrong) return wrong;
    }
  }
  if (required !== undefined && !(Array.isArray(required) && required.every((each) => typeof each === "string"))) {
    return `${where}.required is no list of names`;
  }
  return items === undefined || Array.isArray(items) ? "" : schemaProblem(items, `${where}.items`);
}
