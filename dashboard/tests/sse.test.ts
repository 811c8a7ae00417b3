import { describe, expect, it } from "vitest";
import { EventParser, events } from "../src/lib/sse.ts";

const STREAM =
  ": a comment\r\nid: 7\r\nevent: thread.run.created\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\n" +
  "event: no data\n\ndata:no space: é\n\nevent: done\ndata: [DONE]\n\n";

const EXPECTED = [
  { id: "7", name: "thread.run.created", data: '{"a":\n1}' },
  { id: null, name: "message", data: "no space: é" },
  { id: null, name: "done", data: "[DONE]" },
];

describe("EventParser", () => {
  it("reads the same events wherever the stream is cut", () => {
    for (let cut = 0; cut <= STREAM.length; cut += 1) {
      const parser = new EventParser();
      const found = [...parser.push(STREAM.slice(0, cut)), ...parser.push(STREAM.slice(cut))];
      expect(found).toEqual(EXPECTED);
    }
  });

  it("reads the same events character by character", () => {
    const parser = new EventParser();
    expect([...STREAM].flatMap((each) => parser.push(each))).toEqual(EXPECTED);
  });

  it("leaves out an event that the stream did not end", () => {
    expect(new EventParser().push("data: half\n")).toEqual([]);
  });
});

describe("events", () => {
  it("puts characters together that are cut between their bytes", async () => {
    const bytes = new TextEncoder().encode(STREAM);
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    const found = [];
    for await (const event of events(new Response(body))) found.push(event);
    expect(found).toEqual(EXPECTED);
  });

  it("cancels the response when its reader leaves", async () => {
    let isCancelled = false;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n\n")),
      cancel: () => {
        isCancelled = true;
      },
    });
    for await (const event of events(new Response(body))) {
      expect(event.data).toBe("1");
      break;
    }
    expect(isCancelled).toBe(true);
  });
});
