// From events to what charts draw: who worked when on what, how tasks ended, how long they waited. Pure.

// Each claim: { id, owner, lane, from, to (null: still), outcome }.
export function work(events, now, start) {
  const running = new Map();
  const found = [];
  const end = (id, at, outcome) => {
    const one = running.get(id);
    if (!one) return;
    running.delete(id);
    one.to = at;
    one.outcome = outcome;
  };
  for (const event of events) {
    const at = Date.parse(event.created_at);
    const id = event.task_id;
    if (event.type === "claimed") {
      end(id, at, "lapsed");
      const one = { id, owner: event.data?.owner || "worker", lane: event.lane, from: at, to: null, outcome: "claimed" };
      running.set(id, one);
      found.push(one);
    } else if (event.type === "released" || event.type === "parked") end(id, at, "released");
    else if (event.type === "attempt_failed") end(id, at, "failed");
    else if (event.type === "cancelled") end(id, at, "cancelled");
    else if (event.type === "response") end(id, at, event.data?.status ?? "completed");
  }
  return found.filter((one) => (one.to ?? now) >= start);
}

// Numbers of ends in each of `count` equal parts of [start, now].
export function ends(events, start, now, count) {
  const parts = Array.from({ length: count }, () => ({ completed: 0, failed: 0, cancelled: 0 }));
  for (const event of events) {
    const kind = event.type === "cancelled" ? "cancelled" : event.type === "response" ? event.data?.status : null;
    const at = part(event, start, now, count);
    if (parts[at] && kind in parts[at]) parts[at][kind]++;
  }
  return parts;
}

// Seconds from submit to the first claim, by when it was claimed: { median, high (9 of 10), count }.
export function waits(events, start, now, count) {
  const created = new Map();
  const parts = Array.from({ length: count }, () => []);
  for (const event of events) {
    if (event.type === "created") created.set(event.task_id, Date.parse(event.created_at));
    if (event.type !== "claimed" || !created.has(event.task_id)) continue;
    const at = part(event, start, now, count);
    if (parts[at]) parts[at].push((Date.parse(event.created_at) - created.get(event.task_id)) / 1000);
    created.delete(event.task_id);
  }
  return parts.map((values) => {
    values.sort((a, b) => a - b);
    const at = (share) => values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;
    return { median: at(0.5), high: at(0.9), count: values.length };
  });
}

const part = (event, start, now, count) => Math.min(count - 1, Math.floor(((Date.parse(event.created_at) - start) / (now - start)) * count));
