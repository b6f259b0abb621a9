// States by shape as well as by colour and word.

import { h, svg } from "./dom.js";
import { until } from "./format.js";

const line = (d) => svg("path", { d, fill: "none", stroke: "currentColor", "stroke-width": 1.6, "stroke-linecap": "round", "stroke-linejoin": "round" });
const ring = () => svg("circle", { cx: 8, cy: 8, r: 5.7, fill: "none", stroke: "currentColor", "stroke-width": 1.5 });
const disc = () => svg("circle", { cx: 8, cy: 8, r: 6.5, fill: "currentColor" });
const cut = (d) => svg("path", { d, fill: "none", stroke: "var(--paper)", "stroke-width": 1.8, "stroke-linecap": "round", "stroke-linejoin": "round" });

const SHAPES = {
  queued: () => [ring()],
  claimed: () => [ring(), svg("path", { d: "M8 2.3a5.7 5.7 0 0 1 0 11.4z", fill: "currentColor" })],
  completed: () => [disc(), cut("M5.2 8.3l2 2 3.6-4.2")],
  failed: () => [disc(), cut("M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4")],
  cancelled: () => [ring(), line("M4.2 11.8l7.6-7.6")],
  lapsed: () => [line("M8 2.2l6.2 11.2H1.8z"), line("M8 6.6v3"), svg("circle", { cx: 8, cy: 11.5, r: 0.9, fill: "currentColor" })],
  held: () => [line("M5.6 3.5v9M10.4 3.5v9")],
  blocked: () => [line("M4 2.5h8M4 13.5h8M5 2.5c0 3 3 4 3 5.5s-3 2.500-3 5.500M11 2.500c0 3-3 4-3 5.500s3 2.500 3 5.500")],
  delayed: () => [ring(), line("M8 5v3.200l2.200 1.300")],
};

export const icon = (name) => svg("svg.icon", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, SHAPES[name]());

// What a person wants to know of a task: its state, or why a queued one is not offered.
export function standing(task, now) {
  if (task.state === "claimed" && lapsed(task, now)) return { kind: "lapsed", word: "lease over", why: "its lease has run out" };
  if (task.state !== "queued") return { kind: task.state, word: task.state === "claimed" ? "working" : task.state };
  if (task.hold || task.on_hold) return { kind: "held", word: "on hold", why: task.hold_reason || task.hold?.reason };
  if (task.parked_reason) return { kind: "held", word: "parked", why: task.parked_reason };
  if (task.waits_for?.length) return { kind: "blocked", word: "blocked", why: `waits for ${task.waits_for.length}` };
  if (task.not_before && Date.parse(task.not_before) > now) return { kind: "delayed", word: "later", why: until(task.not_before, now) };
  return { kind: "queued", word: "queued" };
}

const lapsed = (task, now) => task.lease_expired || (task.lease_expires_at && Date.parse(task.lease_expires_at) < now);

export function badge(task, now) {
  const { kind, word, why } = standing(task, now);
  return h(`span.state.is-${kind}`, { title: why || null }, icon(kind), word);
}
