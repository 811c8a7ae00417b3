// The only way from a text of a model or a user to HTML: rendered, then cleaned.
import DOMPurify from "dompurify";
import { Marked } from "marked";

const TAGS = [
  ..."a b blockquote br code del em hr i li ol p pre s strong sub sup".split(" "),
  ..."table tbody td th thead tr ul".split(" "),
];

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

const markdown = new Marked({
  async: false,
  gfm: true,
  breaks: true,
  renderer: {
    // HTML within Markdown is shown as what was written. A picture would be loaded from elsewhere.
    html: ({ text }) => escaped(text),
    image: ({ text, href }) => escaped(text || href),
    // The headings of a message are none of the page, whose order they would break.
    heading: function ({ tokens }) {
      return `<p><strong>${this.parser.parseInline(tokens)}</strong></p>\n`;
    },
  },
});

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => ENTITIES[char] ?? char);
}

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "A") {
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer nofollow");
  }
});

/** Returns HTML in which nothing runs, and nothing is loaded. */
export function html(text: string): string {
  return DOMPurify.sanitize(markdown.parse(text, { async: false }), {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ["href", "title", "start", "align"],
    // The expression below is asked about these too, unless they are named as no addresses.
    ADD_URI_SAFE_ATTR: ["start", "align"],
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
  });
}
