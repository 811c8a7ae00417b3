// Light or dark, as the system has it or as the viewer has chosen.
const KEY = "perdure.theme";

let chosen = $state(localStorage.getItem(KEY) ?? "");

export const theme = {
  get chosen(): string {
    return chosen;
  },
};

export function chooseTheme(name: string): void {
  chosen = name;
  localStorage.setItem(KEY, name);
  show();
}

function show(): void {
  if (chosen) document.documentElement.dataset.theme = chosen;
  else delete document.documentElement.dataset.theme;
}

show();
