// Light, dark, or as the system says.

const KEY = "agent-lanes.theme";
const NEXT = { auto: "light", light: "dark", dark: "auto" };
const WORDS = { auto: "As the system", light: "Light", dark: "Dark" };

const now = () => document.documentElement.dataset.theme ?? "auto";

export function turnTheme() {
  const next = NEXT[now()];
  if (next === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem(KEY, next);
  } catch { /* storage is off: for this page only */ }
  told();
}

export function told() {
  const button = document.getElementById("theme");
  button.textContent = { auto: "◐", light: "☀", dark: "☾" }[now()];
  button.setAttribute("aria-label", `Theme: ${WORDS[now()]}`);
  button.title = button.getAttribute("aria-label");
}
