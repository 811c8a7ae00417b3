// The client of the API. Every request of the page goes through `request`.
import type { components } from "../api.d.ts";

export type Schemas = components["schemas"];
export type Run = Schemas["Run"];
export type RunStep = Schemas["RunStep"];
export type Message = Schemas["Message"];
export type Thread = Schemas["Thread"];
export type Assistant = Schemas["Assistant"];
export type Trace = Schemas["Trace"];
export type VectorStore = Schemas["VectorStore"];
export type VectorStoreFile = Schemas["VectorStoreFile"];
export type StoredFile = Schemas["File"];

export interface Page<T> {
  data: T[];
  first_id: string | null;
  last_id: string | null;
  has_more: boolean;
}

/** An answer that is an error; `message` is the server's own, for the user. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly code: string | null = null,
    readonly param: string | null = null,
  ) {
    super(message);
  }
}

/** What each request carries besides its own headers; the session sets it. */
export const credentials: { bearer: string | null; project: string | null; lost: () => void } = {
  bearer: null,
  project: null,
  lost: () => undefined,
};

/** Returns the URL of a path of the API, wherever the page is mounted. */
export function apiUrl(path: string): string {
  return new URL(`../v1${path}`, document.baseURI.replace(/#.*$/, "")).href;
}

/** Sends a request. Throws `ApiError` for every answer that is none of success. */
export async function request(
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Response> {
  const headers: Record<string, string> = {
    "Perdure-Dashboard": "1",
    "OpenAI-Beta": "assistants=v2",
  };
  if (credentials.bearer) headers.Authorization = `Bearer ${credentials.bearer}`;
  if (credentials.project) headers["OpenAI-Project"] = credentials.project;
  if (body !== undefined && !(body instanceof FormData)) headers["Content-Type"] = "application/json";
  let answer: Response;
  try {
    answer = await fetch(path.startsWith("./") ? path : apiUrl(path), {
      method,
      headers,
      body: body === undefined || body instanceof FormData ? body : JSON.stringify(body),
      signal,
      credentials: "same-origin",
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "The server does not answer. Is it running?", "unreachable");
  }
  if (answer.ok) return answer;
  const error = await readError(answer);
  if (error.code === "not_signed_in") credentials.lost();
  throw error;
}

async function readError(answer: Response): Promise<ApiError> {
  try {
    const { error } = (await answer.json()) as { error: Schemas["ErrorDetail"] };
    return new ApiError(answer.status, error.message, error.code ?? null, error.param ?? null);
  } catch {
    return new ApiError(answer.status, `The server answered with status ${answer.status}.`);
  }
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await request("GET", path, undefined, signal)).json()) as T;
}

export async function post<T>(path: string, body: unknown = {}): Promise<T> {
  return (await (await request("POST", path, body)).json()) as T;
}

export async function remove(path: string): Promise<void> {
  await request("DELETE", path);
}

/** Returns a path with its query; values that say nothing are left out. */
export function withQuery(
  path: string,
  query: Record<string, string | number | null | undefined>,
): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") given.append(name, String(value));
  }
  const text = given.toString();
  return text ? `${path}?${text}` : path;
}

/** Returns the objects of a list, page by page, `most` of them at most. */
export async function all<T extends { id: string }>(
  path: string,
  query: Record<string, string | number> = {},
  most = 1000,
): Promise<T[]> {
  const found: T[] = [];
  let after: string | undefined;
  while (found.length < most) {
    const page = await get<Page<T>>(withQuery(path, { limit: 100, ...query, after }));
    found.push(...page.data);
    after = page.data.at(-1)?.id;
    if (!page.has_more || !after) break;
  }
  return found.slice(0, most);
}

/** Uploads a file. */
export async function upload(file: File, purpose: "assistants" | "vision"): Promise<StoredFile> {
  const form = new FormData();
  form.append("purpose", purpose);
  form.append("file", file);
  return (await (await request("POST", "/files", form)).json()) as StoredFile;
}

/** Returns the content of a file as a URL of this page, to be revoked by whoever asked. */
export async function contentUrl(fileId: string): Promise<string> {
  const answer = await request("GET", `/files/${encodeURIComponent(fileId)}/content`);
  return URL.createObjectURL(await answer.blob());
}
