// Server-sent events of a response, read by fetch so that headers can be sent.

export interface ServerEvent {
  id: string | null;
  name: string;
  data: string;
}

/** Splits the text of a stream into events, however it is cut. */
export class EventParser {
  private rest = "";
  private event: { id: string | null; name: string; data: string[] } = this.empty();

  private empty(): { id: string | null; name: string; data: string[] } {
    return { id: null, name: "message", data: [] };
  }

  push(text: string): ServerEvent[] {
    const found: ServerEvent[] = [];
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    for (const each of lines) {
      const line = each.endsWith("\r") ? each.slice(0, -1) : each;
      if (line === "") {
        const { id, name, data } = this.event;
        if (data.length > 0) found.push({ id, name, data: data.join("\n") });
        this.event = this.empty();
      } else if (!line.startsWith(":")) {
        this.take(line);
      }
    }
    return found;
  }

  private take(line: string): void {
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.event.name = value;
    else if (field === "data") this.event.data.push(value);
    else if (field === "id") this.event.id = value;
  }
}

/** Yields the events of a response until it ends. */
export async function* events(answer: Response): AsyncGenerator<ServerEvent> {
  if (!answer.body) return;
  const parser = new EventParser();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(value);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
