// The rows of the list of tasks: drawn anew only where a task has changed.

import { h, visible } from "./dom.js";
import { many, shortId, title } from "./format.js";
import { badge, standing } from "./icons.js";

const drawn = new Map(); // id -> { task, kind, row }

export function row(task, now) {
  const { kind } = standing(task, now);
  const known = drawn.get(task.id);
  if (known && known.task === task && known.kind === kind) return known.row;
  const fresh = contents(task, now);
  const element = known ? known.row : h("li.row", { "data-id": task.id });
  element.replaceChildren(...fresh);
  drawn.set(task.id, { task, kind, row: element });
  return element;
}

export function forget(ids) {
  for (const id of drawn.keys()) if (!ids.has(id)) drawn.delete(id);
}

function contents(task, now) {
  const last = task.last_event;
  const said = last && !["created", "renewed", "claimed", "response"].includes(last.type) ? last.message || last.type : null;
  const who = task.claim_owner ?? (task.route && task.route !== "any" ? `for ${task.route}` : "");
  const attempt = task.attempts > 1 || (task.attempts && task.state === "queued") ? `attempt ${task.attempts}${task.max_attempts ? ` of ${task.max_attempts}` : ""}` : null;
  return [
    badge(task, now),
    h("span.what", null,
      h("a", { href: `#/task/${task.id}` }, visible(title(task)).slice(0, 200)),
      h("span.sub", null, [shortId(task.id), attempt, task.priority !== 5 ? `priority ${task.priority}` : null,
        task.waits_for?.length ? `waits for ${many(task.waits_for.length, "task")}` : null,
        task.failure_reason && visible(task.failure_reason).split("\n")[0].slice(0, 160), said && visible(said).slice(0, 160)]
        .filter(Boolean).join(" · "))),
    h("span.in", null, task.lane),
    h("span.who", null, visible(who)),
    when(task),
  ];
}

// How long it has been as it is; and for a lease, how long it still is.
function when(task) {
  const at = task.completed_at ?? task.failed_at ?? (task.state === "claimed" ? task.claimed_at : task.state === "queued" ? task.created_at : task.updated_at);
  const over = task.state !== "claimed" && task.state !== "queued";
  return h("span.when", null,
    h("time", { datetime: at, [over ? "data-ago" : "data-since"]: at }),
    task.state === "claimed" && task.lease_expires_at && h("span.sub", { "data-left": task.lease_expires_at }));
}
