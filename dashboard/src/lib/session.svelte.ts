// Who is signed in, and what this server has to show to them.
import { credentials, get, remove, request } from "./api.ts";

export interface Session {
  sign_in: "none" | "key" | "https_required";
  signed_in: boolean;
  is_admin: boolean;
  project: { id: string; name: string } | null;
  projects: { id: string; name: string }[];
  capabilities: { list_threads: boolean; operator: boolean; admin: boolean };
  version: string;
}

const PROJECT = "perdure.project";

let found = $state<Session | null>(null);
let project = $state<string | null>(null);

export const session = {
  get now(): Session | null {
    return found;
  },
  get isOpen(): boolean {
    return found !== null && (found.signed_in || found.sign_in === "none");
  },
  get project(): string | null {
    return project;
  },
};

export async function begin(): Promise<void> {
  take(await get<Session>("./session"));
}

export async function signIn(apiKey: string): Promise<void> {
  take((await (await request("POST", "./session", { api_key: apiKey })).json()) as Session);
}

export async function signOut(): Promise<void> {
  await remove("./session");
  await begin();
}

export function chooseProject(id: string): void {
  project = id;
  credentials.project = id;
  sessionStorage.setItem(PROJECT, id);
}

function take(next: Session): void {
  found = next;
  credentials.bearer = next.sign_in === "none" ? "dashboard" : null;
  const kept = sessionStorage.getItem(PROJECT);
  const chosen = next.projects.find((each) => each.id === kept) ?? next.project;
  project = chosen?.id ?? null;
  credentials.project = next.is_admin ? project : null;
}

credentials.lost = () => {
  if (found?.signed_in) found = { ...found, signed_in: false, project: null };
};

