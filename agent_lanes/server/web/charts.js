// Charts as SVG in a few lines: bars over time, and a timeline. Each has its numbers as a table beside it.

import { h, svg, visible } from "./dom.js";
import { clock, duration } from "./format.js";

const HEIGHT = 150;
const LEFT = 44;
const BOTTOM = 20;

// bars: [{ label, parts: [[class, value, words]] , mark }]; `mark` is a thin line above (such as 9 of 10).
export function bars({ name, note, bars: found, width, unit, span, columns }) {
  const top = nice(Math.max(1e-9, ...found.map((one) => Math.max(one.mark ?? 0, total(one)))), unit);
  const step = (width - LEFT) / found.length;
  const y = (value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - 10);
  const drawn = found.map((one, at) => {
    let base = 0;
    const x = LEFT + at * step + step * 0.15;
    const parts = one.parts.map(([kind, value]) => {
      if (!value) return null;
      const bar = svg(`rect.fill-${kind}`, { x, y: y(base + value), width: step * 0.7, height: Math.max(1, y(base) - y(base + value)), rx: Math.min(2, step / 6) });
      base += value;
      return bar;
    });
    const mark = one.mark > 0 && svg("path.mark", { d: `M${x} ${y(one.mark)}h${step * 0.7}` });
    return svg("g", null, svg("title", null, `${one.label}: ${one.parts.map(([, value, words]) => words ?? value).join(", ")}`), parts, mark);
  });
  const grid = [0, 0.5, 1].map((share) => svg("g", null,
    svg("path.grid", { d: `M${LEFT} ${y(top * share)}H${width}` }),
    svg("text", { x: LEFT - 6, y: y(top * share) + 4, "text-anchor": "end" }, unit === "seconds" ? duration(top * share) : unit === "dollars" ? `$${+(top * share).toPrecision(2)}` : +(top * share).toFixed(1))));
  return figure(name, svg("svg.chart", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": `${name}; the numbers are in the table below` }, hatch(), grid, drawn, axis(span, width, HEIGHT)), columns, found, note);
}

const SECONDS = [10, 30, 60, 120, 300, 600, 1200, 3600, 7200, 14400, 28800, 86400];

const total = (one) => one.parts.reduce((sum, [, value]) => sum + value, 0);

function nice(value, unit) {
  if (unit === "tasks" && value <= 4) return 4;
  if (unit === "seconds") return SECONDS.find((step) => step >= value) ?? Math.ceil(value / 86400) * 86400;
  const size = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 5, 10].map((step) => step * size).find((step) => step >= value) ?? value;
}

// Labels at the first, middle and last moment; of days the first and the last.
function axis(span, width, height) {
  if (typeof span[0] === "string") return [[LEFT, "start", span[0]], [width, "end", span[1]]].map(([x, anchor, word]) => svg("text", { x, y: height - 4, "text-anchor": anchor }, word));
  const [start, end] = span;
  return [[0, "start"], [0.5, "middle"], [1, "end"]].map(([share, anchor]) =>
    svg("text", { x: LEFT + share * (width - LEFT), y: height - 4, "text-anchor": anchor }, share === 1 ? "now" : moment(start + share * (end - start), end - start)));
}

const moment = (at, long) => (long > 86400_000 ? `${new Date(at).toLocaleDateString(undefined, { month: "short", day: "numeric" })} ` : "") + clock(at);

// Failed is hatched, so that it is told apart without colour.
const hatch = () => svg("defs", null, svg("pattern", { id: "hatch", width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
  svg("rect.under-failed", { width: 5, height: 5 }), svg("path.over-failed", { d: "M0 0v5", "stroke-width": 3 })));

function figure(name, chart, columns, rows, note) {
  const table = h("details", null, h("summary", null, "as a table"), h("div.scroll", { tabindex: 0, role: "region", "aria-label": `${name}: numbers` },
    h("table", null, h("thead", null, h("tr", null, columns.map((word) => h("th", { scope: "col" }, word)))),
      h("tbody", null, rows.filter((one) => total(one) || one.mark).map((one) => h("tr", null, h("th", { scope: "row" }, one.label), one.parts.map(([, value, words]) => h("td", null, words ?? value))))))));
  return h("figure", null, h("figcaption", null, name, note && h("span.sub", null, note)), chart, table);
}

const ROW = 24;
const NAME = 130;

// Who worked when: a row for each owner, a bar for each claim.
export function timeline({ spans, start, now, width, name }) {
  const owners = [...new Set(spans.map((one) => one.owner))].sort();
  const left = Math.min(NAME, width * 0.3);
  const x = (at) => left + ((Math.max(at, start) - start) / (now - start)) * (width - left - 4);
  const height = owners.length * ROW + BOTTOM;
  const rows = owners.map((owner, at) => svg("g", null,
    svg("path.grid", { d: `M${left} ${at * ROW + ROW - 0.5}H${width}` }),
    svg("text.owner", { x: 0, y: at * ROW + 16 }, clipped(visible(owner), left / 7))));
  const drawn = spans.map((one) => {
    const from = x(one.from);
    const words = `${one.owner}, ${name(one.id)}, lane ${one.lane}: ${one.outcome === "claimed" ? "working" : one.outcome} after ${duration(((one.to ?? now) - one.from) / 1000)}`;
    return svg("a", { href: `#/task/${one.id}`, "aria-label": visible(words), tabindex: -1 }, svg("title", null, visible(words)),
      svg(`rect.bar.fill-${one.outcome}`, { x: from, y: owners.indexOf(one.owner) * ROW + 5, width: Math.max(3, x(one.to ?? now) - from), height: ROW - 10, rx: 3 }));
  });
  const rowsOf = spans.slice(-100).reverse().map((one) => h("tr", null, h("th", { scope: "row" }, visible(one.owner)), h("td", null, h("a", { href: `#/task/${one.id}` }, name(one.id))),
    h("td", null, one.lane), h("td", null, clock(one.from)), h("td", null, duration(((one.to ?? now) - one.from) / 1000)), h("td", null, one.outcome === "claimed" ? "working" : one.outcome)));
  return h("figure", null, h("figcaption", null, "Who worked when"),
    svg("svg.chart.timeline", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": "Who worked when; the same is in the table below" }, hatch(), rows, drawn,
      [[0, "start"], [0.5, "middle"], [1, "end"]].map(([share, anchor]) => svg("text", { x: left + share * (width - left), y: height - 4, "text-anchor": anchor }, share === 1 ? "now" : moment(start + share * (now - start), now - start)))),
    h("details", null, h("summary", null, "as a table"), h("div.scroll", { tabindex: 0, role: "region", "aria-label": "Who worked when: numbers" }, h("table", null,
      h("thead", null, h("tr", null, ["Who", "Task", "Lane", "From", "For", "Outcome"].map((word) => h("th", { scope: "col" }, word)))), h("tbody", null, rowsOf)))));
}

const clipped = (text, most) => (text.length > most ? `${text.slice(0, Math.max(1, most - 1))}…` : text);
