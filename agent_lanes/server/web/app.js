// The start: token, lists, stream; and which view the address names.

import { activity } from "./activity.js";
import { follow, get, hasToken, Refused, setToken, takeToken, tokenOfAnotherTab } from "./api.js";
import { board } from "./board.js";
import { help } from "./dialog.js";
import { fill, h } from "./dom.js";
import "./keys.js";
import { told, turnTheme } from "./look.js";
import { caughtUp, heard, hearers, load, model } from "./model.js";
import { taskPage } from "./task.js";

const main = document.getElementById("main");
let leave = () => {};

let shown = null;

function show() {
  if (shown === location.hash) return;
  shown = location.hash;
  leave();
  const [, task] = /^#\/task\/([\w.:-]+)$/.exec(location.hash) ?? [];
  const view = task ? "task" : location.hash === "#/activity" ? "activity" : "tasks";
  document.title = view === "activity" ? "Activity – agent-lanes" : "agent-lanes";
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  scrollTo(0, 0);
  leave = task ? taskPage(main, task) : view === "activity" ? activity(main) : board(main);
}

const STATES = { live: ["live", "Live"], waiting: ["waiting", "Reconnecting…"], refused: ["waiting", "Token needed"], start: ["waiting", "Connecting…"] };

function connection(state) {
  const [kind, word] = STATES[state];
  const place = document.getElementById("connection");
  if (place.dataset.kind === kind && place.textContent === word) return;
  place.dataset.kind = kind;
  fill(place, word);
}

async function start() {
  connection("start");
  try {
    const { cursor } = await get("/events?limit=0");
    await load();
    addEventListener("hashchange", show);
    show();
    follow(cursor, { event: heard, gap: again, state });
  } catch (wrong) {
    if (wrong instanceof Refused && wrong.status === 401) return askToken();
    fail(wrong);
  }
}

function state(now) {
  model.live = now === "live";
  if (model.live) caughtUp();
  connection(now);
  if (now === "refused") askToken();
}

// Some events are lost: what they told is read anew.
function again() {
  model.events = null;
  load().catch(() => {});
  for (const hears of hearers) hears(null);
}

function fail(wrong) {
  const text = wrong instanceof Refused ? [wrong.message, wrong.hint].filter(Boolean).join(" – ") : "The server cannot be reached. Is `agent-lanes serve` running?";
  fill(main, h("div.empty", { role: "alert" }, h("h1", null, "Nothing can be shown"), h("p", null, text), h("button.primary", { type: "button", onclick: () => location.reload() }, "Try again")));
}

let asked = false;

async function askToken() {
  leave();
  leave = () => {};
  const other = asked ? null : await tokenOfAnotherTab();
  asked = true;
  if (other) {
    setToken(other);
    return start();
  }
  const input = h("input", { type: "password", id: "token", autocomplete: "off", required: true, "aria-describedby": "where" });
  const form = h("form.empty", null, h("h1", null, "Which token?"),
    h("p", { id: "where" }, "This server asks for the token that it made at its first start. It lies in the state folder, as ", h("code", null, "serve.token"), "; ", h("code", null, "agent-lanes serve"), " says where."),
    hasToken() && h("p.warn", { role: "alert" }, "That was not the token of this server."),
    h("label", { for: "token" }, "Token", input), h("div.buttons", null, h("button.primary", { type: "submit" }, "Go on")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    setToken(input.value.trim());
    location.reload();
  });
  fill(main, form);
  connection("refused");
  input.focus();
}

document.getElementById("theme").addEventListener("click", turnTheme);
document.getElementById("help").addEventListener("click", help);
document.getElementById("skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
told();
takeToken();
start();
