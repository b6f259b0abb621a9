// Times that go on by themselves: ages, and what is left of a lease.

import { ago, duration, since, whole } from "./format.js";

export function tick() {
  const now = Date.now();
  for (const element of document.querySelectorAll("[data-ago]")) put(element, ago(element.dataset.ago, now));
  for (const element of document.querySelectorAll("[data-since]")) put(element, since(element.dataset.since, now));
  for (const element of document.querySelectorAll("[data-left]")) put(element, left(element.dataset.left, now));
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
  if (element.tagName === "TIME" && !element.title) element.title = whole(element.dateTime);
}

function left(iso, now) {
  const seconds = (Date.parse(iso) - now) / 1000;
  return seconds > 0 ? `lease ${duration(seconds)}` : `lease over for ${duration(-seconds)}`;
}

setInterval(() => document.hidden || tick(), 1000);
