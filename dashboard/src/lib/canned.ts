// Outputs of functions that were answered by hand, kept in this browser.
const PREFIX = "perdure.output.";

export function canned(name: string): string {
  return localStorage.getItem(PREFIX + name) ?? "";
}

export function keep(name: string, output: string): void {
  localStorage.setItem(PREFIX + name, output);
}
