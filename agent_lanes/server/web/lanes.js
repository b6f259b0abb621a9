// The lanes at the side: how each stands, who listens, what is on hold.

import { hold, resume, words } from "./actions.js";
import { fill, h, visible } from "./dom.js";
import { duration, many, until } from "./format.js";
import { icon } from "./icons.js";
import { isActive, model } from "./model.js";

export function lanes(chosen, choose) {
  const list = h("ul.lanes");
  const draw = () => {
    const rows = standings();
    const all = h("li", null, h("button.lane", { type: "button", "aria-pressed": String(!chosen()), onclick: () => choose(null) },
      h("span.name", null, "All lanes"), h("span.count", null, many(rows.length, "lane"))));
    fill(list, rows.length > 1 && all, rows.map((row) => item(row, chosen() === row.lane, choose)));
    return rows.length;
  };
  return { element: h("section.side", { "aria-label": "Lanes" }, h("h2", null, "Lanes"), list, vendors()), draw };
}

function item(row, pressed, choose) {
  const held = model.holds.find((one) => one.lane === row.lane && !one.vendor);
  const toggle = held
    ? h("button.small", { type: "button", onclick: () => resume({ lane: row.lane }), "aria-label": `Resume lane ${row.lane}` }, "Resume")
    : h("button.small.quiet", { type: "button", onclick: () => hold({ lane: row.lane }), "aria-label": `Hold lane ${row.lane}` }, "Hold");
  const counts = [
    row.claimed > 0 && h("span", null, h("b", null, row.claimed), " working"),
    row.ready > 0 && h("span", null, h("b", null, row.ready), " ready"),
    row.waiting > 0 && h("span", null, h("b", null, row.waiting), " waiting"),
    !(row.claimed || row.ready || row.waiting) && h("span", null, "nothing to do"),
  ];
  const more = [
    row.oldest !== null && `oldest ${duration(row.oldest)}`,
    row.listeners ? `${row.listeners} listening` : row.ready && !row.claimed && "nobody listens",
    today(row.day),
  ].filter(Boolean);
  return h("li", null,
    h("button.lane", { type: "button", "aria-pressed": String(pressed), onclick: () => choose(pressed ? null : row.lane) },
      h("span.name", null, row.lane),
      held && h("span.tag", null, icon("held"), "on hold", held.until && `, ends ${until(held.until, Date.now())}`, held.reason && `: ${visible(held.reason)}`),
      h("span.counts", null, counts), more.length > 0 && h("span.more", null, more.join(" · "))),
    toggle);
}

function today(day) {
  const told = [day?.completed && `${day.completed} done`, day?.failed && `${day.failed} failed`].filter(Boolean);
  return told.length > 0 && `${told.join(", ")} in 24 h`;
}

// From the server's numbers, and where it has none from the tasks that are known.
function standings() {
  const found = new Map();
  const row = (lane) => {
    if (!found.has(lane)) found.set(lane, { lane, ready: 0, claimed: 0, waiting: 0, oldest: null, listeners: 0, day: null });
    return found.get(lane);
  };
  for (const one of model.lanes) {
    Object.assign(row(one.lane), {
      ready: one.ready, claimed: one.claimed, waiting: one.delayed + one.blocked + one.on_hold,
      oldest: one.oldest_ready_seconds, day: one.last_day,
    });
  }
  for (const task of model.tasks.values()) {
    const one = row(task.lane);
    if (model.lanes.length || !isActive(task)) continue;
    one[task.state === "claimed" ? "claimed" : task.offered ? "ready" : "waiting"]++;
    const age = (Date.now() - Date.parse(task.created_at)) / 1000;
    if (task.offered) one.oldest = Math.max(one.oldest ?? 0, age);
  }
  for (const { lane } of model.listeners) row(lane).listeners++;
  for (const { lane } of model.holds) if (lane) row(lane);
  return [...found.values()].sort((a, b) => a.lane.localeCompare(b.lane));
}

// Holds that are not of one lane alone.
function vendors() {
  const box = h("div.holds");
  box.draw = () => {
    const others = model.holds.filter((one) => one.vendor || !one.lane);
    fill(box, others.length > 0 && h("h2", null, "Also on hold"), others.map((one) =>
      h("p", null, h("span", null, words(one), one.reason && `: ${visible(one.reason)}`),
        h("button.small", { type: "button", onclick: () => resume(one), "aria-label": `Resume ${words(one)}` }, "Resume"))));
  };
  return box;
}
