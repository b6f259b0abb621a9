// Dialogs: a question before anything is changed, and the list of keys.

import { fill, h } from "./dom.js";

const SPANS = [["", "until resumed"], ["900", "for 15 minutes"], ["3600", "for an hour"], ["14400", "for 4 hours"], ["86400", "for a day"]];

// Resolves to { reason, for_seconds }, or null where it was declined.
export function ask({ title, text, action, danger = false, reason = true, span = false }) {
  return new Promise((resolve) => {
    const why = h("input", { type: "text", maxlength: 500, autocomplete: "off", id: "why" });
    const long = h("select", { id: "span" }, SPANS.map(([value, word]) => h("option", { value }, word)));
    const yes = h(danger ? "button.danger" : "button.primary", { type: "submit" }, action);
    const no = h("button", { type: "button", onclick: () => end(null) }, "Keep as it is");
    const form = h("form", null,
      h("h2", { id: "asked" }, title), h("p", null, text),
      span && h("label", { for: "span" }, "How long", long),
      reason && h("label", { for: "why" }, "Reason (may be empty)", why),
      h("div.buttons", null, no, yes));
    const dialog = h("dialog", { "aria-labelledby": "asked" }, form);
    const end = (result) => { dialog.close(); dialog.remove(); resolve(result); };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      end({ reason: why.value.trim(), ...(long.value && span ? { for_seconds: Number(long.value) } : {}) });
    });
    dialog.addEventListener("cancel", (event) => { event.preventDefault(); end(null); });
    document.body.append(dialog);
    dialog.showModal();
    (reason ? why : no).focus();
  });
}

const KEYS = [
  ["j  k", "next, previous task"], ["Enter", "open it"], ["Esc", "back, or close"], ["/", "search"],
  ["1  2", "tasks, activity"], ["c", "cancel the task"], ["h", "hold it, or let it go on"], ["r", "retry it"],
  ["l", "filter by its lane"], ["d", "dark, light, as the system"], ["?", "these keys"],
];

export function help() {
  const close = h("button.primary", { type: "button", onclick: () => end() }, "Close");
  const rows = KEYS.map(([keys, what]) => [h("dt", null, keys.split("  ").map((key) => h("kbd", null, key))), h("dd", null, what)]);
  const dialog = h("dialog", { "aria-labelledby": "keys" },
    h("h2", { id: "keys" }, "Keyboard"), h("dl.keys", null, rows), h("div.buttons", null, close));
  const end = () => { dialog.close(); dialog.remove(); };
  dialog.addEventListener("cancel", end);
  document.body.append(dialog);
  dialog.showModal();
}

// One line for eyes and screen readers, gone after a while.
let fading = 0;
export function say(text, { wrong = false } = {}) {
  const said = document.getElementById("said");
  said.classList.toggle("wrong", wrong);
  fill(said, text);
  clearTimeout(fading);
  fading = setTimeout(() => fill(said), wrong ? 12_000 : 5000);
}
