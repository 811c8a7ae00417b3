// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { html } from "../src/lib/markdown.ts";

const HOSTILE = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "![picture](https://elsewhere.example/x.png)",
  "<svg><animate onbegin=alert(1) attributeName=x></svg>",
  "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
  "[click](javascript:alert(1))",
  "[click](JaVaScRiPt&colon;alert(1))",
  "[click](data:text/html,<script>alert(1)</script>)",
  "<a href='vbscript:x' onclick=alert(1)>a</a>",
  "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
  "<form action=https://elsewhere.example><input name=a><button>b</button></form>",
  "<p style='position:fixed;inset:0' class=x id=main data-row>over the page</p>",
  "<link rel=stylesheet href=https://elsewhere.example/a.css><base href=https://elsewhere.example>",
  "```\"><script>alert(1)</script>\nx\n```",
];
const ATTRIBUTES = ["href", "title", "start", "align", "target", "rel"];

function shown(text: string): HTMLElement {
  const place = document.createElement("div");
  place.innerHTML = html(text);
  return place;
}

describe("html", () => {
  it.each([...HOSTILE, HOSTILE.join("\n\n")])("lets nothing run or load: %s", (text) => {
    const elements = [...shown(text).querySelectorAll("*")];
    const forbidden = "script, img, svg, math, iframe, form, input, button, style, link, base, object, embed";
    expect(elements.filter((each) => each.matches(forbidden))).toEqual([]);
    for (const element of elements) {
      for (const name of element.getAttributeNames()) expect(ATTRIBUTES).toContain(name);
      const href = element.getAttribute("href");
      if (href !== null) expect(href).toMatch(/^(https?|mailto):/i);
    }
  });

  it("keeps what Markdown is for", () => {
    const place = shown("# A\n\n**b** `c` [d](https://example.com)\n\n| e | f |\n|---|--:|\n| 1 | 2 |\n\n3. g");
    for (const tag of ["p > strong", "strong", "code", "table", "td[align='right']", "ol[start='3']"]) {
      expect(place.querySelector(tag), tag).not.toBeNull();
    }
  });

  it("shows HTML as it was written", () => {
    expect(shown("a <b onclick=x>c</b>").textContent).toContain("a <b onclick=x>c</b>");
    expect(shown("<div>\n&amp;\n</div>").textContent).toContain("<div>\n&amp;\n</div>");
  });

  it("opens links elsewhere without telling where from", () => {
    const anchor = shown("[d](https://example.com)").querySelector("a");
    expect(anchor?.getAttribute("target")).toBe("_blank");
    expect(anchor?.getAttribute("rel")).toContain("noreferrer");
  });
});
