// Elements from values. Text becomes text nodes and nothing else: no HTML is ever parsed here.

const SVG = "http://www.w3.org/2000/svg";

// h("a.quiet", { href, onclick }, "text", element, [more]): null, undefined and false are left out.
export const h = (name, attributes, ...children) => made(document.createElement(tag(name)), name, attributes, children);
export const svg = (name, attributes, ...children) =>
  made(document.createElementNS(SVG, tag(name)), name, attributes, children);

export function fill(element, ...children) {
  element.replaceChildren(...children.flat(9).filter(there));
  return element;
}

// Text of a task, with what would lie about its order or its end made visible. Lines and tabs stay.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
export const visible = (text) =>
  String(text ?? "").replace(/\r\n/g, "\n").replace(HIDDEN, (c) => `<U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}>`);

const tag = (name) => name.split(".")[0];
const there = (child) => child !== null && child !== undefined && child !== false;

function made(element, name, attributes, children) {
  const classes = name.split(".").slice(1);
  if (classes.length) element.setAttribute("class", classes.join(" "));
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(9).filter(there));
  return element;
}
