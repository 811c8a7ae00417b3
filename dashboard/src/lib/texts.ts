import type { Message } from "./api.ts";

/** Returns the text of a message, without images. */
export function textOf(message: Message): string {
  return message.content
    .map((part) => (part.type === "text" ? part.text.value : part.type === "refusal" ? part.refusal : ""))
    .join("\n");
}
