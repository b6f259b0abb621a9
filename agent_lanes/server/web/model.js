// What this page knows of the store, and how it stays true: lists at the start, then one look at each task that an
// event names. Events are hints, as everywhere: what is shown was always read anew.

import { get, getMaybe, Refused } from "./api.js";

const ACTIVE_AT_ONCE = 1000;
const NEWEST_AT_ONCE = 200;
const MOST_LOOKS = 40; // more at once are cheaper as lists
const GATHER_MS = 120;
const LISTS_MS = 1000;
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

// Call `seen` after each change, at most once a frame; returns how to stop.
export function watch(seen) {
  watchers.add(seen);
  return () => watchers.delete(seen);
}

export function changed() {
  if (drawing) return;
  drawing = true;
  setTimeout(() => {
    drawing = false;
    for (const seen of [...watchers]) seen();
  }, 16);
}

export async function load() {
  const [active, newest] = await Promise.all([
    get(`/tasks?active_only=true&limit=${ACTIVE_AT_ONCE}`),
    get(`/tasks?limit=${NEWEST_AT_ONCE}`),
    loadAround(),
  ]);
  const listed = new Map([...newest.tasks, ...active.tasks].map((task) => [task.id, task]));
  for (const task of model.tasks.values()) {
    if (!listed.has(task.id) && isActive(task)) dirty.add(task.id);
  }
  listed.forEach(put);
  if (!model.loaded) model.more = newest.cursor;
  model.loaded = true;
  if (dirty.size) gather();
  changed();
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
  if (known && stamp(known) === stamp(task)) return;
  model.tasks.set(task.id, task);
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
  if (gathering) return;
  const wait = dirty.size > MOST_LOOKS ? Math.max(GATHER_MS, listedAt + LISTS_MS - Date.now()) : GATHER_MS;
  gathering = setTimeout(look, wait);
}

// The stream runs (again): what could not be looked at meanwhile is.
export const caughtUp = () => { if (dirty.size) gather(); };

async function look() {
  const ids = [...dirty];
  dirty.clear();
  try {
    if (ids.length > MOST_LOOKS) {
      listedAt = Date.now();
      await load();
    } else {
      await Promise.all([...ids.map(lookAt), freshAround(LISTS_MS)]);
    }
  } catch {
    ids.forEach((id) => dirty.add(id)); // the server is away: the stream's return brings another look
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
