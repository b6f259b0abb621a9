// The server, as this page uses it: the token of this tab, JSON requests, and the stream of events.

const KEY = "agent-lanes.token";
const RETRY_MS = [250, 500, 1000, 2000, 4000, 8000];
const SILENCE_MS = 40_000; // the server says something every 15 seconds

export class Refused extends Error {
  constructor(status, answer) {
    super(answer.error ?? `the server answered ${status}`);
    this.status = status;
    this.hint = answer.hint ?? "";
  }
}

let token = null;

// The token comes in the fragment, which no browser sends, and leaves the address bar at once.
export function takeToken() {
  const given = /^#token=(.+)$/.exec(location.hash);
  if (given) history.replaceState(null, "", "#/");
  token = given ? decodeURIComponent(given[1]) : sessionStorage.getItem(KEY);
  if (token) sessionStorage.setItem(KEY, token);
  shareToken();
}

export const hasToken = () => token !== null;

export function setToken(given) {
  token = given;
  sessionStorage.setItem(KEY, given);
}

// A tab that was opened from another one asks the others.
let channel = null;
function shareToken() {
  channel = new BroadcastChannel(KEY);
  channel.onmessage = ({ data }) => {
    if (data.wanted && token) channel.postMessage({ token });
  };
}

export function tokenOfAnotherTab() {
  return new Promise((resolve) => {
    const asking = new BroadcastChannel(KEY);
    const end = (found) => { asking.close(); resolve(found); };
    asking.onmessage = ({ data }) => data.token && data.token !== token && end(data.token);
    asking.postMessage({ wanted: true });
    setTimeout(() => end(null), 250);
  });
}

const shown = () => (token ? { Authorization: `Bearer ${token}` } : {});

async function answered(response) {
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

export const get = async (path) => answered(await fetch(path, { headers: shown() }));

export const post = async (path, body = {}) =>
  answered(await fetch(path, {
    method: "POST",
    headers: { ...shown(), "Content-Type": "application/json" },
    body: JSON.stringify(body),
  }));

// What a server of an older version, or without that part, does not have.
export const getMaybe = async (path) => {
  try {
    return await get(path);
  } catch (wrong) {
    if (wrong instanceof Refused && wrong.status === 404) return null;
    throw wrong;
  }
};

// Follow the events for ever. on.event(event), on.gap() where some are lost, on.state("live" | "waiting" | "refused").
export async function follow(cursor, on) {
  let failures = 0;
  for (;;) {
    try {
      const at = await streamed(cursor, on, () => { failures = 0; on.state("live"); }, (id) => { cursor = id; });
      cursor = at ?? cursor;
    } catch (wrong) {
      if (wrong instanceof Refused && wrong.status === 401) return on.state("refused");
      if (wrong instanceof Refused && wrong.status === 404) { cursor = null; on.gap(); }
    }
    on.state("waiting");
    await new Promise((go) => setTimeout(go, RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]));
  }
}

async function streamed(cursor, on, opened, moved) {
  const stop = new AbortController();
  let alive = setTimeout(() => stop.abort(), SILENCE_MS);
  const headers = { ...shown(), Accept: "text/event-stream", ...(cursor ? { "Last-Event-ID": cursor } : {}) };
  const response = await fetch("/events", { headers, signal: stop.signal, cache: "no-store" });
  if (!response.ok) await answered(response);
  opened();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(alive);
      alive = setTimeout(() => stop.abort(), SILENCE_MS);
      const frames = (rest + value).split("\n\n");
      rest = frames.pop();
      for (const frame of frames) taken(frame, on, moved);
    }
  } finally {
    clearTimeout(alive);
  }
}

function taken(frame, on, moved) {
  const fields = { event: "message", data: "" };
  for (const line of frame.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1).replace(/^ /, "");
  }
  if (fields.event === "gap") on.gap();
  else if (fields.data) on.event(JSON.parse(fields.data));
  if (fields.id) moved(fields.id);
}
