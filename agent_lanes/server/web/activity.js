// The second view: who worked when, how much was done, how long tasks waited, what it cost, who listens.

import { getMaybe } from "./api.js";
import { bars, timeline } from "./charts.js";
import { fill, h, visible } from "./dom.js";
import { say } from "./dialog.js";
import { clock, dollars, duration, shortId, title } from "./format.js";
import { loadEvents, model, watch } from "./model.js";
import { ends, waits, work } from "./spans.js";
import { tick } from "./ticking.js";

const SPANS = [["3600", "1 hour"], ["21600", "6 hours"], ["86400", "24 hours"], ["604800", "7 days"]];
const PARTS = 30;
const DAYS = 14;
const MOST_BARS = 1500;
const DRAW_MS = 2000;
let seconds = 3600;
let costs = null;

export function activity(place) {
  const choice = h("div.chips", { role: "group", "aria-label": "How far back" });
  const body = h("div.charts", null, h("p.hint", null, "Reading the log…"));
  fill(place, h("div.activity", null, h("div.bar", null, h("h1", null, "Activity"), choice), body));
  let drawnAt = 0;
  let later = 0;
  const draw = () => {
    clearTimeout(later);
    drawnAt = Date.now();
    fill(choice, SPANS.map(([value, word]) => h("button.chip", { type: "button", "data-key": value, "aria-pressed": String(seconds === Number(value)), onclick: () => { seconds = Number(value); draw(); choice.querySelector("[aria-pressed=true]").focus(); } }, word)));
    if (model.events) drawAll(body);
  };
  // Not under a reader's hands: an open table, or one who tabs through it, stays.
  const busy = () => body.querySelector("details[open]") || body.contains(document.activeElement);
  const soon = () => { if (!busy()) { clearTimeout(later); later = setTimeout(draw, Math.max(0, drawnAt + DRAW_MS - Date.now())); } };
  loadEvents().then(draw).catch((wrong) => say(wrong.message, { wrong: true }));
  getMaybe("/costs?by=day").then((found) => { costs = found; draw(); }).catch(() => {});
  const resized = new ResizeObserver(() => !busy() && draw());
  resized.observe(place);
  const slow = setInterval(soon, 15_000);
  const stop = watch(soon);
  return () => { stop(); resized.disconnect(); clearInterval(slow); clearTimeout(later); };
}

function drawAll(body) {
  const now = Date.now();
  const start = now - seconds * 1000;
  const width = Math.max(300, body.clientWidth - 34);
  const half = body.clientWidth > 900 ? (body.clientWidth - 16) / 2 - 34 : width;
  const labels = Array.from({ length: PARTS }, (_, at) => label(start, now, at));
  const spans = work(model.events, now, start);
  const done = ends(model.events, start, now, PARTS);
  const waited = waits(model.events, start, now, PARTS);
  fill(body,
    spans.length ? timeline({ spans: spans.slice(-MOST_BARS), start, now, width, name }) : h("figure", null, h("figcaption", null, "Who worked when"), h("p.hint", null, "Nobody did, in this time.")),
    h("div.pair", null,
      bars({ name: "Finished tasks", note: "completed, failed (hatched), cancelled (grey)", width: half, unit: "tasks", span: [start, now], columns: ["When", "Completed", "Failed", "Cancelled"],
        bars: done.map((one, at) => ({ label: labels[at], parts: [["completed", one.completed, `${one.completed} completed`], ["failed", one.failed, `${one.failed} failed`], ["cancelled", one.cancelled, `${one.cancelled} cancelled`]] })) }),
      bars({ name: "Waiting time", note: "bar: half of the tasks waited less; line: nine of ten did", width: half, unit: "seconds", span: [start, now], columns: ["When", "Half, 9 of 10"],
        bars: waited.map((one, at) => ({ label: labels[at], mark: one.high, parts: [["waiting", one.median, `${duration(one.median)}, ${duration(one.high)} (${one.count} tasks)`]] })) })),
    h("div.pair", null, h("div", null, costFigure(half), listening()), latest()));
  tick();
}

const label = (start, now, at) => {
  const size = (now - start) / PARTS;
  return `${clock(start + at * size)}–${clock(start + (at + 1) * size)}`;
};

function name(id) {
  const task = model.tasks.get(id);
  return task ? visible(title(task)).slice(0, 60) : shortId(id);
}

const day = (ago) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);

function costFigure(width) {
  const told = new Map((costs?.costs ?? []).map((one) => [one.day, one]));
  const days = Array.from({ length: DAYS }, (_, at) => day(DAYS - 1 - at)).map((one) => told.get(one) ?? { day: one, cost_usd: 0, attempts: 0 });
  if (![...told.values()].some((one) => one.cost_usd !== null)) return h("figure", null, h("figcaption", null, "Cost by day"), h("p.hint", null, "No agent has told what it cost yet."));
  return bars({ name: "Cost by day (UTC)", width, unit: "dollars", span: [days[0].day, "today"], columns: ["Day", "Cost"],
    bars: days.map((one) => ({ label: one.day, parts: [["cost", one.cost_usd ?? 0, spent(one)]] })) });
}

function spent({ cost_usd, attempts, unknown_cost }) {
  if (cost_usd === null) return `${attempts} attempts of unknown cost`;
  return `${dollars(cost_usd)} in ${attempts} attempts${unknown_cost ? `, ${unknown_cost} of unknown cost` : ""}`;
}

function listening() {
  const found = model.listeners;
  return h("figure", null, h("figcaption", null, "Who listens"), found.length ? h("ol.history", null, found.map((one) => h("li", null,
    h("time", { datetime: one.since, "data-since": one.since }), h("b", null, `${one.lane ?? "every lane"} · ${visible(one.vendor)}`),
    h("span.sub", null, visible(`${one.kind} by ${one.owner || "nobody named"}, process ${one.pid}`))))) : h("p.hint", null, "Nobody waits for work right now."));
}

function latest() {
  const events = model.events.slice(-14).reverse();
  return h("figure", null, h("figcaption", null, "Latest"), events.length ? h("ol.history.latest", null, events.map((one) => h("li", null,
    h("time", { datetime: one.created_at, "data-ago": one.created_at }), h("b", null, one.type.replaceAll("_", " ")),
    h("a", { href: `#/task/${one.task_id}` }, name(one.task_id)), h("span.sub", null, one.lane)))) : h("p.hint", null, "Nothing has happened yet."));
}
