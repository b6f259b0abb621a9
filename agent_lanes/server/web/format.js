// Numbers, durations and instants as people read them.

const STEPS = [[86400, "d"], [3600, "h"], [60, "m"]];

// 42s, 12m, 3h 5m, 2d 4h
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}s`;
  const at = STEPS.findIndex(([size]) => whole >= size);
  const [size, unit] = STEPS[at];
  const rest = STEPS[at + 1];
  const more = rest ? Math.floor((whole % size) / rest[0]) : 0;
  return `${Math.floor(whole / size)}${unit}` + (more ? ` ${more}${rest[1]}` : "");
}

export const ago = (iso, now) => `${duration((now - Date.parse(iso)) / 1000)} ago`;
export const since = (iso, now) => duration((now - Date.parse(iso)) / 1000);
export const until = (iso, now) => (Date.parse(iso) > now ? `in ${duration((Date.parse(iso) - now) / 1000)}` : "now");
export const dollars = (value) => (value === null || value === undefined ? "–" : `$${value.toFixed(value < 1 ? 3 : 2)}`);
export const many = (count, one, more = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : more}`;
export const shortId = (id) => id.slice(-8);

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
export const clock = (instant) => CLOCK.format(new Date(instant));
export const whole = (iso) => WHOLE.format(new Date(iso));

// What a task is called in a list: the first line of what was asked, or the name of its file.
export function title(task) {
  const line = (task.prompt ?? "").split("\n").map((text) => text.replace(/^#+\s*/, "").trim()).find(Boolean);
  return line || (task.request_path ?? "").split("/").pop() || task.id;
}
