// Keys, as in any pager: they move the focus among links, so what they reach can be reached without them.

import { cancel, holdOrResume, retry } from "./actions.js";
import { chooseLane } from "./board.js";
import { help } from "./dialog.js";
import { changed, model } from "./model.js";
import { turnTheme } from "./look.js";

const rows = () => [...document.querySelectorAll(".row a")];
const at = () => rows().indexOf(document.activeElement);
const task = () => model.tasks.get(document.activeElement?.closest("[data-id]")?.dataset.id ?? document.querySelector("article.task")?.dataset.id);

function move(by) {
  const all = rows();
  if (!all.length) return;
  const here = at();
  const next = all[here < 0 ? 0 : Math.max(0, Math.min(all.length - 1, here + by))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

const withTask = (act) => () => { const found = task(); if (found) act(found); };

// At once, so that the next key already finds the view; a fragment that is set would take the focus later.
function go(hash) {
  if (location.hash !== hash) history.pushState(null, "", hash);
  dispatchEvent(new Event("hashchange"));
}

const KEYS = {
  j: () => move(1), k: () => move(-1), "?": help, d: turnTheme,
  "/": () => { if (!document.getElementById("search")) go("#/"); document.getElementById("search").focus(); },
  1: () => go("#/"), 2: () => go("#/activity"),
  c: withTask(cancel), r: withTask(retry), h: withTask(holdOrResume),
  l: withTask((found) => { chooseLane(found.lane); go("#/"); changed(); }),
  Escape: () => go("#/"),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.matches("input, select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
