// What this page knows of the store, and how it stays true: lists at the start, then one look at each task that an
// event names. Events are hints, as everywhere: what is shown was always read anew.

import { get, getMaybe, Refused } from "./api.js";

const FIRST_AT_ONCE = 300;
const NEWEST_AT_ONCE = 200;
const ACTIVE_AT_ONCE = 1000;
const MOST_ACTIVE = 10_000;
const LOOKS_AT_ONCE = 40;
const MOST_LOOKS = 200; // more are cheaper as lists
const GATHER_MS = 120;
const LISTS_MS = 5000;
const FRESH_MS = 1000;
const AROUND_MS = 10_000; // holds and listeners leave no events
const KEPT_EVENTS = 20_000;

export const model = {
  tasks: new Map(),
  more: null, // cursor of older tasks
  lanes: [],
  holds: [],
  listeners: [],
  dead: new Set(),
  events: null, // of the activity view; null until it asks
  loaded: false,
  live: false,
};

const watchers = new Set();
let drawing = false;

// Call `seen` after each change; the more a drawing takes, the less often. Returns how to stop.
export function watch(seen) {
  watchers.add(seen);
  return () => watchers.delete(seen);
}

let took = 0;

export function changed() {
  if (drawing) return;
  drawing = true;
  setTimeout(() => {
    drawing = false;
    const start = performance.now();
    for (const seen of [...watchers]) seen();
    took = performance.now() - start;
  }, Math.min(1000, Math.max(16, 4 * took)));
}

let resting = Promise.resolve();

// What a screen shows at once; the rest of what is open comes after it, page by page.
export async function load() {
  const [first, newest] = await Promise.all([active(FIRST_AT_ONCE), get(`/tasks?limit=${NEWEST_AT_ONCE}`), loadAround()]);
  newest.tasks.forEach(put);
  if (!model.loaded) model.more = newest.cursor;
  model.loaded = true;
  resting = rest(first, new Set()).catch(() => {});
}

const active = (limit, cursor) => get(`/tasks?active_only=true&limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);

async function rest(page, listed) {
  for (;;) {
    for (const task of page.tasks) listed.add(put(task));
    changed();
    if (page.cursor === null || listed.size >= MOST_ACTIVE) break;
    page = await active(ACTIVE_AT_ONCE, page.cursor);
  }
  if (page.cursor !== null) return;
  for (const task of model.tasks.values()) if (isActive(task) && !listed.has(task.id)) dirty.add(task.id); // ended meanwhile
  if (dirty.size) gather();
}

export async function loadAround() {
  const [holds, listeners, dead, stats] = await Promise.all([
    get("/holds"), get("/listeners"), get("/dead"), getMaybe("/stats"),
  ]);
  model.holds = holds.holds;
  model.listeners = listeners.listeners;
  model.dead = new Set(dead.tasks.map((task) => task.id));
  dead.tasks.forEach(put);
  model.lanes = stats ? stats.lanes : [];
  changed();
}

// A page of older tasks, or of those that a filter wants.
export async function loadMore(query = "") {
  const cursor = query ? "" : `&cursor=${encodeURIComponent(model.more ?? "")}`;
  const page = await get(`/tasks?limit=${NEWEST_AT_ONCE}${cursor}${query}`);
  page.tasks.forEach(put);
  if (!query) model.more = page.cursor;
  changed();
}

export async function loadEvents() {
  if (model.events) return;
  const { events } = await get("/events?limit=10000");
  const newer = model.events ?? [];
  model.events = [...events, ...newer];
  changed();
}

export const isActive = (task) => task.state === "queued" || task.state === "claimed";

// A task keeps its identity while it is the same, so that what shows it need not be drawn again.
export function put(task) {
  const known = model.tasks.get(task.id);
  if (!known || stamp(known) !== stamp(task)) model.tasks.set(task.id, task);
  return task.id;
}

const stamp = (task) => {
  const { last_event_age_seconds, claimed_age_seconds, seconds_until_lease_expiry, ...lasting } = task;
  return JSON.stringify(lasting);
};

const dirty = new Set();
let gathering = 0;
let listedAt = 0;
let aroundAt = 0;

export function heard(event) {
  if (model.events) {
    model.events.push(event);
    if (model.events.length > KEPT_EVENTS) model.events.splice(0, KEPT_EVENTS / 10);
  }
  dirty.add(event.task_id);
  if (event.type === "response" || event.type === "cancelled") {
    for (const task of model.tasks.values()) {
      if (task.waits_for?.includes(event.task_id)) dirty.add(task.id);
    }
  }
  for (const listener of hearers) listener(event);
  gather();
}

// Views that show one task want to know of each event.
export const hearers = new Set();

function gather() {
  gathering ||= setTimeout(look, GATHER_MS);
}

// The stream runs (again): what could not be looked at meanwhile is.
export const caughtUp = () => { if (dirty.size) gather(); };

async function look() {
  const burst = dirty.size > MOST_LOOKS && Date.now() - listedAt > LISTS_MS;
  const ids = burst ? [...dirty] : [...dirty].slice(0, LOOKS_AT_ONCE);
  for (const id of ids) dirty.delete(id);
  try {
    if (burst) {
      await load();
      await resting;
      listedAt = Date.now();
    } else {
      await Promise.all([...ids.map(lookAt), freshAround(FRESH_MS)]);
    }
  } catch {
    for (const id of ids) dirty.add(id); // the server is away: the stream's return brings another look
  }
  gathering = 0;
  changed();
  if (dirty.size && model.live) gather();
}

async function lookAt(id) {
  try {
    put((await get(`/tasks/${id}`)).task);
  } catch (wrong) {
    if (!(wrong instanceof Refused) || wrong.status !== 404) throw wrong;
    model.tasks.delete(id);
  }
}

async function freshAround(age) {
  if (Date.now() - aroundAt < age) return;
  aroundAt = Date.now();
  await loadAround();
}

export const lookAgain = (id) => { dirty.add(id); aroundAt = 0; gather(); };

setInterval(() => {
  if (model.loaded && model.live && !document.hidden) freshAround(AROUND_MS - 500).catch(() => {});
}, AROUND_MS);
