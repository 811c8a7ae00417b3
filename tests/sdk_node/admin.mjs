// The admin API through the official SDK, in a process of its own.
//
// Usage: node admin.mjs PACKAGE BASE_URL FOLDER ADMIN_KEY. Ends with an error if anything is wrong.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [name, baseURL, folder, adminAPIKey] = process.argv.slice(2);
const require = createRequire(`${folder}/package.json`);
const { default: OpenAI } = await import(pathToFileURL(require.resolve(name)).href);
const client = new OpenAI({ baseURL, apiKey: "any", adminAPIKey, maxRetries: 0 });
const { projects, adminAPIKeys, auditLogs } = client.admin.organization;

async function all(pages) {
  const found = [];
  for await (const each of pages) found.push(each);
  return found;
}

const blue = await projects.create({ name: "Blue" });
assert.equal((await projects.update(blue.id, { name: "Green" })).name, "Green");
assert.equal((await projects.retrieve(blue.id)).status, "active");
assert.equal((await all(projects.list({ limit: 1 }))).length, 2);

const account = await projects.serviceAccounts.create(blue.id, { name: "backend" });
const inBlue = { project_id: blue.id };
const second = await projects.serviceAccounts.apiKeys.create(account.id, {
  ...inBlue,
  name: "second",
  expires_in_seconds: 3600,
});
assert.ok(second.value.startsWith("sk-proj-"));
const keys = await all(projects.apiKeys.list(blue.id, { limit: 1 }));
assert.deepEqual(keys.map((key) => key.name), ["second", "backend"]);
const key = await projects.apiKeys.retrieve(account.api_key.id, inBlue);
assert.equal(key.owner.service_account.id, account.id);
await projects.apiKeys.update(second.id, { ...inBlue, expires_in_seconds: 60 });

const program = new OpenAI({ baseURL, apiKey: account.api_key.value, maxRetries: 0 });
assert.deepEqual((await program.beta.assistants.list()).data, []);
await projects.apiKeys.delete(account.api_key.id, inBlue);
await assert.rejects(program.beta.assistants.list(), { status: 401, code: "invalid_api_key" });

const admin = await adminAPIKeys.create({ name: "second" });
assert.deepEqual((await all(adminAPIKeys.list())).map((each) => each.id), [admin.id]);
assert.equal((await adminAPIKeys.delete(admin.id)).deleted, true);
assert.equal((await projects.serviceAccounts.delete(account.id, inBlue)).deleted, true);
assert.equal((await projects.archive(blue.id)).status, "archived");
const log = await all(auditLogs.list({ project_ids: [blue.id], event_types: ["project.archived"] }));
assert.deepEqual(log.map((each) => each["project.archived"].id), [blue.id]);
