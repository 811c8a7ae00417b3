// The only way from a text of a model or a user to HTML: rendered, then cleaned.
import DOMPurify from "dompurify";
import { marked } from "marked";

const TAGS = [
  ..."a b blockquote br code del em h1 h2 h3 h4 h5 h6 hr i li ol p pre s strong sub sup".split(" "),
  ..."table tbody td th thead tr ul".split(" "),
];

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "A") {
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer nofollow");
  }
});

/** Returns HTML in which nothing runs, and nothing is loaded. */
export function html(text: string): string {
  return DOMPurify.sanitize(marked.parse(text, { async: false, gfm: true, breaks: true }), {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ["href", "title", "start", "align"],
    // The expression below is asked about these too, unless they are named as no addresses.
    ADD_URI_SAFE_ATTR: ["start", "align"],
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
  });
}
