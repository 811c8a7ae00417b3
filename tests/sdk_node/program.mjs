// Plain SDK code against a running server, in a process of its own.
//
// Usage: node program.mjs PACKAGE BASE_URL. Runs every check and prints one JSON line for each:
// its name, and what went wrong, if anything did.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [name, baseURL, folder] = process.argv.slice(2);
const require = createRequire(`${folder}/package.json`);
const { default: OpenAI, toFile } = await import(pathToFileURL(require.resolve(name)).href);
const client = new OpenAI({ baseURL, apiKey: "any", maxRetries: 0 });

// Until 4.x ids come one after the other; later ones take all but the last by name.
const positional = name.startsWith("openai-4");
const { assistants, threads } = client.beta;
const { runs, messages } = threads;
const inThread = (method, thread, id, body) =>
  positional ? method(thread, id, body) : method(id, { thread_id: thread, ...body });
const remove = (api, id) => (positional ? api.del(id) : api.delete(id));

const tools = [
  {
    type: "function",
    function: {
      name: "get_weather",
      parameters: { type: "object", properties: { city: { type: "string" } } },
    },
  },
];
const begun = ["thread.run.created", "thread.run.queued", "thread.run.in_progress"];
const text = [
  "thread.run.step.created", "thread.run.step.in_progress", "thread.message.created",
  "thread.message.in_progress", "thread.message.delta", "thread.message.completed",
  "thread.run.step.completed", "thread.run.completed",
];
const called = [
  "thread.run.step.created", "thread.run.step.in_progress", "thread.run.step.delta",
  "thread.run.requires_action",
];

const assistant = (fields = {}) => assistants.create({ model: "scripted", ...fields });
const thread = (...texts) =>
  threads.create({ messages: texts.map((content) => ({ role: "user", content })) });
const outputs = (run) =>
  run.required_action.submit_tool_outputs.tool_calls.map((call) => ({
    tool_call_id: call.id,
    output: "21",
  }));
const short = (names) => names.filter((each, place) => each !== names[place - 1]);

/** What a stream tells and how its helpers answer. */
async function follow(stream) {
  const names = [];
  const helpers = [];
  stream.on("event", (event) => names.push(event.event));
  for (const helper of [
    "textCreated", "textDone", "messageDone", "runStepDone", "toolCallCreated", "toolCallDone", "end",
  ]) {
    stream.on(helper, () => helpers.push(helper));
  }
  const run = await stream.finalRun();
  return { run, names: short(names), helpers, stream };
}

async function refused(kind, act) {
  try {
    await act();
  } catch (error) {
    assert.ok(error instanceof OpenAI[kind], `${error.constructor.name}: ${error.message}`);
    return error;
  }
  throw new Error(`nothing raised ${kind}`);
}

const checks = {
  async assistants_can_be_made_read_changed_listed_and_deleted() {
    const made = await assistant({ name: "one", metadata: { a: "b" }, tools });
    assert.deepEqual(await assistants.retrieve(made.id), made);
    const changed = await assistants.update(made.id, { name: "two", tools: [] });
    assert.deepEqual([changed.name, changed.tools, changed.metadata], ["two", [], { a: "b" }]);
    assert.equal((await remove(assistants, made.id)).deleted, true);
    const error = await refused("NotFoundError", () => assistants.retrieve(made.id));
    assert.match(error.message, new RegExp(`No assistant found with id '${made.id}'.`));
  },

  async more_than_a_hundred_objects_are_iterated() {
    const ids = [];
    for (let number = 0; number < 101; number++) ids.push((await assistant()).id);
    const seen = [];
    for await (const each of assistants.list({ limit: 20 })) seen.push(each.id);
    assert.deepEqual(seen.slice(0, 101), ids.reverse());
  },

  async a_polled_run_completes_with_usage_and_its_message() {
    const on = await thread("say: Good morning");
    const run = await runs.createAndPoll(on.id, { assistant_id: (await assistant()).id });
    assert.equal(run.status, "completed");
    assert.ok(run.usage.total_tokens > 0);
    const { data } = await messages.list(on.id);
    assert.deepEqual(data.map((each) => each.role), ["assistant", "user"]);
    assert.equal(data[0].content[0].text.value, "Good morning");
  },

  async a_streamed_run_calls_its_helpers_in_the_right_order() {
    const on = await thread("say: one two three");
    const stream = runs.stream(on.id, { assistant_id: (await assistant()).id });
    let heard = "";
    stream.on("textDelta", (delta) => (heard += delta.value));
    const told = await follow(stream);
    assert.deepEqual(told.names, [...begun, ...text]);
    assert.deepEqual(told.helpers.slice(0, 4), [
      "textCreated", "textDone", "messageDone", "runStepDone",
    ]);
    assert.equal(heard, "one two three");
    assert.equal((await stream.finalMessages())[0].content[0].text.value, "one two three");
    assert.equal((await stream.finalRunSteps())[0].type, "message_creation");
  },

  async two_rounds_of_calls_are_streamed() {
    const prompt = "call: get_weather {}\nthen:\ncall: get_weather {}\nthen:\nsay: Sunny";
    const on = await thread(prompt);
    let told = await follow(runs.stream(on.id, { assistant_id: (await assistant({ tools })).id }));
    assert.deepEqual(told.names, [...begun, ...called]);
    assert.ok(told.helpers.includes("toolCallCreated") && told.helpers.includes("toolCallDone"));
    for (const rest of [called, text]) {
      const body = { tool_outputs: outputs(told.run) };
      const submit = runs.submitToolOutputsStream.bind(runs);
      told = await follow(inThread(submit, on.id, told.run.id, body));
      assert.deepEqual(told.names, ["thread.run.step.completed", ...begun.slice(1), ...rest]);
    }
    assert.equal(told.run.status, "completed");
  },

  async parallel_calls_take_their_outputs_polled() {
    const on = await thread("call: get_weather {}\ncall: get_weather {}");
    let run = await runs.createAndPoll(on.id, { assistant_id: (await assistant({ tools })).id });
    assert.equal(run.status, "requires_action");
    const submit = runs.submitToolOutputsAndPoll.bind(runs);
    run = await inThread(submit, on.id, run.id, { tool_outputs: outputs(run) });
    assert.equal(run.status, "completed");
    const steps = await inThread(runs.steps.list.bind(runs.steps), on.id, run.id);
    assert.deepEqual(steps.data.map((each) => each.type), ["message_creation", "tool_calls"]);
  },

  async a_thread_and_its_run_are_made_in_one_call() {
    const told = await follow(
      threads.createAndRunStream({
        assistant_id: (await assistant()).id,
        thread: { messages: [{ role: "user", content: "say: hi" }] },
      }),
    );
    assert.deepEqual(told.names, ["thread.created", ...begun, ...text]);
  },

  async silence_does_not_break_a_stream() {
    const on = await thread("wait 200 ms\nsay: one two three");
    const stream = runs.stream(on.id, { assistant_id: (await assistant()).id });
    const [message] = await stream.finalMessages();
    assert.equal(message.content[0].text.value, "one two three");
  },

  async a_run_is_cancelled_once() {
    const on = await thread("forever\nwait 1 ms");
    let run = await runs.create(on.id, { assistant_id: (await assistant()).id });
    const cancel = () => inThread(runs.cancel.bind(runs), on.id, run.id);
    assert.equal((await cancel()).status, "cancelling");
    run = await inThread(runs.poll.bind(runs), on.id, run.id);
    assert.equal(run.status, "cancelled");
    const error = await refused("BadRequestError", cancel);
    assert.match(error.message, /Cannot cancel run with status 'cancelled'\./);
  },

  async an_active_run_locks_its_thread() {
    const on = await thread("forever\nwait 1 ms");
    const run = await runs.create(on.id, { assistant_id: (await assistant()).id });
    const error = await refused("BadRequestError", () =>
      messages.create(on.id, { role: "user", content: "x" }),
    );
    assert.ok(
      error.message.includes(`Can't add messages to ${on.id} while a run ${run.id} is active.`),
    );
    await remove(threads, on.id);
  },

  async an_incomplete_run_ends_polling_and_streaming() {
    const on = await thread("say: one two three");
    const body = { assistant_id: (await assistant()).id, max_completion_tokens: 2 };
    const run = await runs.createAndPoll(on.id, body);
    assert.equal(run.incomplete_details.reason, "max_completion_tokens");
    const told = await follow(runs.stream(on.id, body));
    assert.equal(told.run.status, "incomplete");
  },

  async files_are_made_of_streams_and_bytes_and_come_back_as_they_were() {
    const folder = mkdtempSync(join(tmpdir(), "perdure-"));
    const path = join(folder, "notes.txt");
    writeFileSync(path, "from a path");
    const { files } = client;
    const ofPath = await files.create({ file: createReadStream(path), purpose: "assistants" });
    rmSync(folder, { recursive: true });
    const named = await toFile(Buffer.from("{}"), "Größe.json");
    const ofBytes = await files.create({ file: named, purpose: "fine-tune" });
    assert.deepEqual([ofPath.filename, ofPath.bytes], ["notes.txt", 11]);
    assert.deepEqual([ofBytes.filename, ofBytes.bytes], ["Größe.json", 2]);
    assert.deepEqual({ ...(await files.retrieve(ofPath.id)) }, { ...ofPath });
    assert.equal(await (await files.content(ofPath.id)).text(), "from a path");
    const listed = [];
    for await (const each of files.list({ purpose: "assistants" })) listed.push(each.id);
    assert.deepEqual(listed, [ofPath.id]);
    for (const each of [ofPath, ofBytes]) assert.ok((await remove(files, each.id)).deleted);
    const error = await refused("NotFoundError", () => files.content(ofPath.id));
    assert.match(error.message, /No such File object: file-/);
  },

  async files_go_into_vector_stores_and_answers_cite_them() {
    const rent = "The rent is due on the third working day of each month.";
    const stores = client.vectorStores ?? client.beta.vectorStores;
    const store = await stores.create({ name: "Papers" });
    const file = await stores.files.uploadAndPoll(store.id, new File([rent], "rent.md"));
    assert.deepEqual([file.status, file.last_error], ["completed", null]);
    const files = [new File(["All about bees."], "bees.txt"), new File(["x"], "sheet.xls")];
    const batch = await stores.fileBatches.uploadAndPoll(store.id, { files });
    assert.deepEqual([batch.file_counts.completed, batch.file_counts.failed], [1, 1]);
    if (stores.search) {
      const found = await stores.search(store.id, { query: "When is the rent due?" });
      assert.equal(found.data[0].content[0].text, rent);
    }
    const assistant = await client.beta.assistants.create({
      model: "scripted",
      tools: [{ type: "file_search" }],
      tool_resources: { file_search: { vector_store_ids: [store.id] } },
    });
    const thread = await client.beta.threads.create({
      messages: [{ role: "user", content: "When is the rent due?" }],
    });
    const stream = client.beta.threads.runs.stream(thread.id, { assistant_id: assistant.id });
    const [streamed] = await stream.finalMessages();
    const stored = (await client.beta.threads.messages.list(thread.id, { limit: 1 })).data[0];
    for (const message of [streamed, stored]) {
      const { value, annotations } = message.content[0].text;
      assert.equal(annotations.length, 1);
      const [{ text, start_index, end_index, file_citation }] = annotations;
      assert.equal(value.slice(start_index, end_index), text);
      assert.equal(file_citation.file_id, file.id);
    }
    assert.ok((await remove(stores, store.id)).deleted);
  },

  async code_is_streamed_and_its_figures_and_files_come_back() {
    const { files } = client;
    const table = await files.create({
      file: await toFile(Buffer.from("day,sales\n1,10\n2,30\n"), "in.csv"),
      purpose: "assistants",
    });
    const { id: assistant_id } = await assistant({
      tools: [{ type: "code_interpreter" }],
      tool_resources: { code_interpreter: { file_ids: [table.id] } },
    });
    const on = await thread(`python:
    import pandas as pd, matplotlib.pyplot as plt
    table = pd.read_csv("/mnt/data/in.csv")
    table.plot()
    plt.show()
then: python: print(tabel)
then: python:
    table.to_csv("/mnt/data/out.csv", index=False)
    print(len(table), "rows")
then: say: See [it](sandbox:/mnt/data/out.csv).`);
    const code = [];
    const logs = [];
    const images = [];
    const stream = runs.stream(on.id, { assistant_id });
    stream.on("toolCallDelta", ({ code_interpreter }) => {
      if (code_interpreter.input) code.push(code_interpreter.input);
      for (const output of code_interpreter.outputs ?? []) {
        if (output.type === "logs") logs.push(output.logs);
        else images.push(output.image.file_id);
      }
    });
    const [message] = await stream.finalMessages();
    const run = await stream.finalRun();
    assert.deepEqual([run.status, run.last_error], ["completed", null]);
    assert.ok(code.length > 10);
    assert.match(logs.join(""), /NameError: name 'tabel' is not defined[^]*2 rows\n$/);
    const [image, said] = message.content;
    assert.deepEqual(images, [image.image_file.file_id]);
    const png = Buffer.from(await (await files.content(images[0])).arrayBuffer());
    assert.equal(png.subarray(1, 4).toString(), "PNG");
    const [{ type, file_path, start_index, end_index }] = said.text.annotations;
    assert.equal(type, "file_path");
    assert.equal(said.text.value.slice(start_index, end_index), "sandbox:/mnt/data/out.csv");
    const out = await files.content(file_path.file_id);
    assert.equal(await out.text(), "day,sales\n1,10\n2,30\n");
    const stored = (await messages.list(on.id, { limit: 1 })).data[0];
    // old SDKs leave the places of the deltas in what they put together
    const placeless = (key, value) => (key === "index" ? undefined : value);
    assert.deepEqual(stored.content, JSON.parse(JSON.stringify(message.content, placeless)));
    await messages.create(on.id, { role: "user", content: "python: print(table.shape)" });
    const next = await runs.createAndPoll(on.id, { assistant_id });
    const steps = await inThread(runs.steps.list.bind(runs.steps), on.id, next.id);
    const [call] = steps.data.at(-1).step_details.tool_calls;
    assert.equal(call.code_interpreter.outputs[0].logs, "(2, 2)\n");
  },

  async uploads_in_parts_become_files() {
    const { uploads, files } = client;
    if (!uploads) return; // this SDK is older than uploads
    const body = { filename: "a.txt", purpose: "batch", bytes: 6, mime_type: "text/plain" };
    const upload = await uploads.create(body);
    const parts = [];
    for (const content of ["abc", "def"]) {
      const data = await toFile(Buffer.from(content), "upload");
      parts.push((await uploads.parts.create(upload.id, { data })).id);
    }
    const md5 = createHash("md5").update("abcdef").digest("hex");
    const done = await uploads.complete(upload.id, { part_ids: parts, md5 });
    assert.equal(done.status, "completed");
    assert.equal(await (await files.content(done.file.id)).text(), "abcdef");
    await remove(files, done.file.id);
    const other = await uploads.create(body);
    assert.equal((await uploads.cancel(other.id)).status, "cancelled");
    const error = await refused("BadRequestError", () => uploads.cancel(other.id));
    assert.match(error.message, /Cannot cancel upload with status 'cancelled'\./);
  },

  async errors_are_the_sdks_exceptions() {
    const wrong = await refused("BadRequestError", () =>
      assistant({ metadata: { k: "v".repeat(513) } }),
    );
    assert.deepEqual([wrong.param, wrong.code], ["metadata.k", "string_above_max_length"]);
    await refused("NotFoundError", () => threads.retrieve("thread_x"));
  },

  async chat_completions_are_streamed_too() {
    const stream = await client.chat.completions.create({
      model: "any",
      messages: [{ role: "user", content: "say: hi there" }],
      stream: true,
    });
    let heard = "";
    for await (const chunk of stream) heard += chunk.choices[0]?.delta?.content ?? "";
    assert.equal(heard, "hi there");
  },
};

for (const [check, act] of Object.entries(checks)) {
  let wrong = null;
  try {
    await act();
  } catch (error) {
    wrong = error.stack ?? String(error);
  }
  console.log(JSON.stringify({ check, wrong }));
}
