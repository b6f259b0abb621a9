// Markdown as elements. What a task brings is only ever the text of a node, or a link to http(s): no HTML, no images.

import { h, visible } from "./dom.js";

const LONGEST = 200_000; // characters; more is shown as it is
const DEEPEST = 8;

export function markdown(text) {
  const shown = visible(text);
  if (shown.length > LONGEST) return h("pre.plain", { tabindex: 0 }, shown);
  above = 2;
  return h("div.markdown", { dir: "auto" }, blocks(shown.split("\n"), 0));
}

// Headings go on from those of the page (h2), and leave no level out, whatever the text does.
let above = 2;
const level = (marks) => (above = Math.min(6, marks + 2, above + 1));

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^\s`]*)/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const RULE = /^ {0,3}([-*_])\s*(?:\1\s*){2,}$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const ROW = /^ {0,3}\|.*\|\s*$/;
const DIVIDER = /^[\s|:-]+$/;

function blocks(lines, depth) {
  const found = [];
  let at = 0;
  if (depth > DEEPEST) return [h("p", null, lines.join("\n"))];
  while (at < lines.length) {
    const line = lines[at];
    if (!line.trim()) { at++; continue; }
    const [end, element] = block(lines, at, depth);
    found.push(element);
    at = end;
  }
  return found;
}

function block(lines, at, depth) {
  const line = lines[at];
  const fence = FENCE.exec(line);
  if (fence) return fenced(lines, at, fence);
  const heading = HEADING.exec(line);
  if (heading) return [at + 1, h(`h${level(heading[1].length)}`, null, inline(heading[2]))];
  if (RULE.test(line)) return [at + 1, h("hr")];
  if (QUOTE.test(line)) {
    const end = run(lines, at, (one) => QUOTE.test(one));
    return [end, h("blockquote", null, blocks(lines.slice(at, end).map((one) => one.replace(QUOTE, "")), depth + 1))];
  }
  if (ITEM.test(line)) return list(lines, at, depth);
  if (ROW.test(line) && DIVIDER.test(lines[at + 1] ?? "x") && lines[at + 1].includes("-")) return table(lines, at);
  const end = run(lines, at + 1, (one) => one.trim() && ![FENCE, HEADING, RULE, QUOTE, ITEM].some((kind) => kind.test(one)));
  return [end, h("p", null, broken(lines.slice(at, end).join("\n")))];
}

function run(lines, at, belongs) {
  while (at < lines.length && belongs(lines[at])) at++;
  return at;
}

function fenced(lines, at, [, mark, language]) {
  const end = run(lines, at + 1, (one) => !(one.trim().startsWith(mark) && !one.trim().slice(mark.length).trim().replaceAll(mark[0], "")));
  const code = h("code", null, lines.slice(at + 1, end).join("\n"));
  return [end + 1, h("pre", { tabindex: 0, "data-language": language || null }, code)];
}

function list(lines, at, depth) {
  const [, indent, mark] = ITEM.exec(lines[at]);
  const items = [];
  while (at < lines.length) {
    const item = ITEM.exec(lines[at]);
    if (!item || item[1].length !== indent.length || /\d/.test(item[2]) !== /\d/.test(mark)) break;
    const inner = run(lines, at + 1, (one) => !one.trim() || one.length - one.trimStart().length > indent.length);
    const width = indent.length + item[2].length + 1;
    const body = [item[3], ...lines.slice(at + 1, inner).map((one) => one.slice(Math.min(width, one.length - one.trimStart().length)))];
    items.push(h("li", null, tight(body, depth)));
    at = inner;
  }
  const start = /\d/.test(mark) && parseInt(mark, 10) !== 1 ? { start: parseInt(mark, 10) } : null;
  return [at, h(/\d/.test(mark) ? "ol" : "ul", start, items)];
}

function tight(body, depth) {
  const box = /^\[([ xX])\]\s+/.exec(body[0]);
  const lines = box ? [body[0].slice(box[0].length), ...body.slice(1)] : body;
  const inner = blocks(lines, depth + 1);
  const first = inner[0]?.tagName === "P" ? [...inner[0].childNodes] : inner[0];
  return [box && h("span.box", null, box[1] === " " ? "☐ " : "☑ "), first, inner.slice(1)];
}

function table(lines, at) {
  const end = run(lines, at, (one) => ROW.test(one));
  const [head, , ...rows] = lines.slice(at, end).map(cells);
  const body = rows.map((row) => h("tr", null, head.map((_, i) => h("td", null, inline(row[i] ?? "")))));
  const top = h("thead", null, h("tr", null, head.map((cell) => h("th", { scope: "col" }, inline(cell)))));
  return [end, h("div.scroll", { tabindex: 0 }, h("table", null, top, h("tbody", null, body)))];
}

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());

const broken = (text) => text.split(/ {2,}\n|\\\n/).flatMap((part, at) => (at ? [h("br"), ...inline(part)] : inline(part)));

// One pass, left to right; what is not closed nearby is text.
const INLINE = new RegExp(
  [
    "(`{1,3})([^`\\n]{1,2000})\\1",
    "!?\\[([^\\[\\]\\n]{0,500})\\]\\(([^()\\s]{1,2000})\\)",
    "\\*\\*([^*\\n]{1,1000})\\*\\*",
    "(?<![\\w*])[*]([^*\\s][^*\\n]{0,1000})[*](?!\\w)",
    "(?<!\\w)_([^_\\s][^_\\n]{0,1000})_(?!\\w)",
    "~~([^~\\n]{1,1000})~~",
    "(https?://[^\\s<>\"'`)\\]]{1,2000})",
  ].join("|"),
  "g",
);

export function inline(text) {
  const found = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > at) found.push(text.slice(at, match.index));
    found.push(part(match));
    at = match.index + match[0].length;
  }
  if (at < text.length) found.push(text.slice(at));
  return found;
}

function part([all, , code, label, target, strong, star, under, struck, bare]) {
  if (code !== undefined) return h("code", null, code);
  if (target !== undefined) return link(target, label || target) ?? all;
  if (strong !== undefined) return h("strong", null, inline(strong));
  if (star !== undefined || under !== undefined) return h("em", null, inline(star ?? under));
  if (struck !== undefined) return h("s", null, struck);
  return link(bare, bare) ?? all;
}

function link(target, label) {
  try {
    const { protocol, href } = new URL(target);
    if (protocol !== "https:" && protocol !== "http:") return null;
    return h("a", { href, rel: "noopener noreferrer nofollow", target: "_blank", title: href }, label);
  } catch {
    return null; // a path of some repository: text
  }
}
