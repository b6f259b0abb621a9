// The first view: lanes at the side, filters above, tasks in three groups.

import { Refused } from "./api.js";
import { fill, h } from "./dom.js";
import { say } from "./dialog.js";
import { title } from "./format.js";
import { standing } from "./icons.js";
import { lanes } from "./lanes.js";
import { isActive, loadMore, model, watch } from "./model.js";
import { forget, row } from "./rows.js";
import { tick } from "./ticking.js";

const AT_ONCE = 100;
const PART_OF_ID = 6; // a shorter one would be found in every id, which is made of digits
const FILTERS = [
  ["all", "All", () => true], ["working", "Working", (task) => task.state === "claimed"],
  ["queued", "Queued", (task) => task.state === "queued"],
  ["held", "Held or blocked", (task, now) => ["held", "blocked", "delayed"].includes(standing(task, now).kind)],
  ["failed", "Failed", (task) => task.state === "failed", "&state=failed"],
  ["completed", "Completed", (task) => task.state === "completed", "&state=completed"],
  ["dead", "Dead letters", (task) => model.dead.has(task.id)],
];
const GROUPS = [["Working", (task) => task.state === "claimed"], ["Waiting", (task) => task.state === "queued"], ["Finished", (task) => !isActive(task)]];

const chosen = { filter: "all", lane: null, text: "" };
const asked = new Set();
let shown = {};

export function chooseLane(lane) {
  chosen.lane = lane;
  shown = {};
  if (lane) older(`&lane=${encodeURIComponent(lane)}`);
}

export function board(place) {
  const side = lanes(() => chosen.lane, (lane) => { chooseLane(lane); draw(); });
  const search = h("input", { type: "search", id: "search", placeholder: "Search", "aria-label": "Search tasks", value: chosen.text, "aria-keyshortcuts": "/", oninput: () => { chosen.text = search.value; draw(); } });
  const chips = h("div.chips", { role: "group", "aria-label": "Show" });
  const list = h("div.groups");
  fill(place, h("div.board", null, h("h1.unseen", null, "Tasks"), side.element, h("section.tasks", { "aria-label": "Tasks" }, h("div.bar", null, chips, search), list)));

  const draw = () => {
    const now = Date.now();
    side.draw();
    place.firstChild.classList.toggle("is-empty", model.tasks.size === 0 && model.lanes.length === 0 && model.holds.length === 0);
    side.element.querySelector(".holds").draw();
    const tasks = [...model.tasks.values()].filter((task) => !chosen.lane || task.lane === chosen.lane);
    drawChips(chips, tasks, now, draw);
    const [, , wanted] = FILTERS.find(([key]) => key === chosen.filter);
    drawGroups(list, tasks.filter((task) => wanted(task, now) && fits(task, chosen.text)), now, draw);
    tick();
  };
  draw();
  return watch(draw);
}

function drawChips(chips, tasks, now, draw) {
  const there = FILTERS.filter(([key]) => key !== "dead" || model.dead.size || chosen.filter === "dead");
  const values = there.map(([key, word, fit]) => [key, word, tasks.filter((task) => fit(task, now)).length]);
  const stamp = JSON.stringify([values, chosen.filter, model.more !== null]);
  if (chips.stamp === stamp) return;
  chips.stamp = stamp;
  const focused = chips.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  fill(chips, values.map(([key, word, count]) => {
    const open = model.more !== null && ["all", "failed", "completed"].includes(key) ? "+" : "";
    return h("button.chip", { type: "button", "data-key": key, "aria-pressed": String(chosen.filter === key), onclick: () => pick(key, draw) }, word, h("span.count", null, `${count}${open}`));
  }));
  if (focused) chips.querySelector(`[data-key=${focused}]`)?.focus();
}

function pick(key, draw) {
  chosen.filter = key;
  shown = {};
  const [, , , query] = FILTERS.find(([one]) => one === key);
  if (query && model.more) older(query + (chosen.lane ? `&lane=${encodeURIComponent(chosen.lane)}` : ""));
  draw();
}

// Those of a filter that are older than what is known; asked once.
function older(query) {
  if (asked.has(query) || model.more === null) return;
  asked.add(query);
  loadMore(query).catch(told);
}

const told = (wrong) => say(wrong instanceof Refused ? wrong.message : "The server cannot be reached.", { wrong: true });

function drawGroups(list, tasks, now, draw) {
  if (!tasks.length) return fill(list, model.tasks.size ? h("p.hint", null, "No task fits. ", h("button.small", { type: "button", onclick: () => { clear(); draw(); } }, "Show all")) : empty());
  const groups = GROUPS.map(([name, fit]) => [name, tasks.filter(fit).sort(order(name))]).filter(([, found]) => found.length);
  const visibleIds = new Set();
  const focused = document.activeElement?.closest(".row")?.dataset.id;
  place(list, groups.map(([name, found]) => {
    const most = shown[name] ?? AT_ONCE;
    const rows = found.slice(0, most).map((task) => { visibleIds.add(task.id); return row(task, now); });
    const old = [...list.querySelectorAll("section.group")].find((one) => one.dataset.group === name);
    const group = old ?? h("section.group", { "data-group": name, "aria-label": name }, h("h2"), h("ul.rows"), h("div.after"));
    fill(group.children[0], name, " ", h("span.count", null, found.length));
    place(group.children[1], rows);
    fill(group.children[2], further(name, found.length - most, draw));
    return group;
  }));
  forget(visibleIds);
  refocus(list, focused);
}

// What stays as it is is not touched: a scrolled page does not jump.
function place(list, elements) {
  if (elements.length === list.children.length && elements.every((one, at) => list.children[at] === one)) return;
  list.replaceChildren(...elements);
}

// A row keeps the focus when it is drawn anew, and when it moves to another group.
function refocus(list, id) {
  const link = id && !document.activeElement?.closest(".row") && list.querySelector(`[data-id="${id}"] a`);
  if (link) link.focus({ preventScroll: true });
}

function further(name, left, draw) {
  const more = () => { shown[name] = (shown[name] ?? AT_ONCE) + AT_ONCE * 2; draw(); };
  if (left > 0) return h("button", { type: "button", onclick: more }, `Show more (${left.toLocaleString("en")} left)`);
  if (name !== "Finished" || model.more === null || chosen.filter !== "all" || chosen.lane) return null;
  return h("button", { type: "button", onclick: () => loadMore().then(more, told) }, "Show older tasks");
}

// Working: longest first. Waiting: as offered, those that are not offered last. Finished: newest first.
const order = (name) => (a, b) =>
  name === "Finished" ? text(b.updated_at, a.updated_at)
  : name === "Working" ? text(a.claimed_at ?? "", b.claimed_at ?? "")
  : (b.offered - a.offered) || a.priority - b.priority || text(a.id, b.id);
const text = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

const fits = (task, words) => words.toLowerCase().split(/\s+/).every((word) => haystack(task).includes(word) || (word.length >= PART_OF_ID && task.id.toLowerCase().includes(word)));
const haystack = (task) => [task.lane, task.claim_owner, task.route, task.source_agent, task.correlation_id, title(task), task.prompt, task.failure_reason].join("\n").toLowerCase();

function clear() {
  Object.assign(chosen, { filter: "all", lane: null, text: "" });
  const search = document.getElementById("search");
  if (search) search.value = "";
}

const empty = () => h("div.empty", null,
  h("h2", null, "Nothing has been asked yet"),
  h("p", null, "A task appears here the moment that it is submitted. Try one:"),
  h("pre", { tabindex: 0 }, h("code", null, "agent-lanes submit --lane review --prompt \"Read README.md and say what is unclear\"")),
  h("p.hint", null, "An agent takes it with ", h("code", null, "agent-lanes claim --lane review --wait 600"), "."));
