// A task's page: what was asked, what was answered, what happened, what it belongs to.

import { cancel, discard, holdOrResume, retry } from "./actions.js";
import { get, Refused } from "./api.js";
import { fill, h, visible } from "./dom.js";
import { say } from "./dialog.js";
import { dollars, duration, shortId, title, until, whole } from "./format.js";
import { badge } from "./icons.js";
import { inline, markdown } from "./markdown.js";
import { hearers, isActive, model, put, watch } from "./model.js";
import { tick } from "./ticking.js";
import { tree } from "./tree.js";

const GATHER_MS = 150;

export function taskPage(place, id) {
  const parts = Object.fromEntries(["head", "ask", "answer", "facts", "attempts", "history", "kin"].map((name) => [name, h("section")]));
  fill(place, h("article.task", { "data-id": id },
    parts.head, h("div.columns", null, h("div.main", null, parts.ask, parts.answer), h("div.aside", null, parts.facts, parts.attempts, parts.kin, parts.history))));
  let story = null;
  let gathering = 0;
  let ended = false;
  const drawn = new Map();
  const once = (name, value, make) => {
    const stamp = JSON.stringify(value);
    if (drawn.get(name) === stamp) return;
    drawn.set(name, stamp);
    fill(parts[name], make());
  };
  const draw = () => {
    if (!story) return;
    const now = Date.now();
    const { task, response, request, events, attempts_history, tree: kin } = story;
    document.title = `${title(task).slice(0, 60)} – agent-lanes`;
    once("head", [task.state, task.lease_expired, task.on_hold, task.hold, task.next_action, model.dead.has(id)], () => head(task, now));
    once("ask", [task.prompt, request], () => asked(task, request));
    once("answer", [response, task.state], () => answered(task, response));
    once("facts", { ...task, last_event: 0, last_event_age_seconds: 0, claimed_age_seconds: 0, seconds_until_lease_expiry: 0 }, () => facts(task, now));
    once("attempts", attempts_history, () => attempts(attempts_history));
    once("kin", kin, () => tree(kin, id));
    once("history", events, () => history(events));
    tick();
  };
  const load = async () => {
    gathering = 0;
    try {
      const [told, kin] = await Promise.all([get(`/tasks/${id}/show`), get(`/tasks/${id}/tree?limit=200`)]);
      if (ended) return;
      story = { ...told, tree: kin };
      put(told.task);
      draw();
    } catch (wrong) {
      if (!ended && !story) fill(place, h("div.empty", { role: "alert" }, h("h1", null, "This task cannot be shown"), h("p", null, wrong instanceof Refused ? wrong.message : "The server cannot be reached."), h("p", null, h("a", { href: "#/" }, "All tasks"))));
      else if (!(wrong instanceof Refused)) return;
    }
  };
  const soon = () => { gathering ||= setTimeout(load, GATHER_MS); };
  const hears = (event) => (event === null || event.task_id === id || story?.tree.tasks.some((one) => one.task_id === event.task_id)) && soon();
  hearers.add(hears);
  const unwatch = watch(draw);
  load();
  return () => { ended = true; unwatch(); hearers.delete(hears); };
}

function head(task, now) {
  const open = isActive(task);
  const button = (word, act, kind = "") => h(`button${kind}`, { type: "button", onclick: () => act(model.tasks.get(task.id) ?? task) }, word);
  return [
    h("p.crumbs", null, h("a", { href: "#/" }, "Tasks"), " / ", task.lane),
    h("div.title", null, badge(task, now), h("h1", null, visible(title(task)).slice(0, 200))),
    h("p.next", null, inline(visible(task.next_action))),
    h("div.buttons", null,
      task.state === "queued" && button(task.on_hold ? "Resume" : "Hold", holdOrResume),
      open && button("Cancel", cancel, ".danger"),
      !open && button("Retry", retry, task.state === "completed" ? "" : ".primary"),
      model.dead.has(task.id) && button("Discard the dead letter", discard),
      button("Copy the id", copy, ".quiet")),
  ];
}

async function copy(task) {
  try {
    await navigator.clipboard.writeText(task.id);
    say("Copied.");
  } catch {
    say(task.id);
  }
}

function asked(task, request) {
  const text = request?.text ?? null;
  return [
    task.prompt && [h("h2", null, "Prompt"), rendered(task.prompt)],
    text !== null && text !== task.prompt && [h("h2", null, "Request"), rendered(text)],
    request?.left_off > 0 && h("p.hint", null, `${request.left_off.toLocaleString("en")} characters more`),
    request?.error && h("p.hint", null, visible(request.error)),
    !task.prompt && !request && h("p.hint", null, "Nothing was written down."),
  ];
}

function answered(task, response) {
  if (!response) return [h("h2", null, "Answer"), h("p.hint", null, isActive(task) ? "Not yet. It appears here as soon as it comes." : "None.")];
  const { model_used, tokens_in, tokens_out, cost_usd } = response.metadata;
  const line = [
    `by ${response.reviewer || "nobody"}`, response.verdict && `verdict ${response.verdict}`,
    response.blocking_count !== null && `${response.blocking_count} blocking`, response.nonblocking_count !== null && `${response.nonblocking_count} not blocking`,
    response.follow_up_required && "asks for a follow-up", model_used, tokens_in !== undefined && tokens_in !== null && `${tokens_in} tokens in, ${tokens_out ?? "?"} out`,
    typeof cost_usd === "number" && dollars(cost_usd),
  ].filter(Boolean);
  return [
    h("h2", null, response.status === "completed" ? "Answer" : `Answer: ${response.status}`),
    h("p.by", null, visible(line.join(" · ")), " · ", h("time", { datetime: response.created_at, "data-ago": response.created_at })),
    response.request_changed_before_response && h("p.warn", null, "The request had changed by then."),
    response.failure_reason && h("p.warn", null, visible(response.failure_reason)),
    rendered(response.body),
  ];
}

// Markdown, or the text as it came.
function rendered(text) {
  const place = h("div.sheet");
  let plain = false;
  const toggle = h("button.small.quiet", { type: "button", "aria-pressed": "false", onclick: () => { plain = !plain; draw(); } }, "Plain text");
  const body = h("div");
  const draw = () => {
    toggle.setAttribute("aria-pressed", String(plain));
    fill(body, plain ? h("pre.plain", { tabindex: 0, dir: "auto" }, visible(text)) : markdown(text));
  };
  draw();
  return fill(place, toggle, body);
}

const link = (id) => h("a", { href: `#/task/${id}`, title: id }, shortId(id));

function facts(task, now) {
  const rows = [
    ["Id", h("code", null, task.id)], ["Lane", task.lane], ["For", task.route && task.route !== "any" ? task.route : "anybody"],
    ["From", visible(task.source_agent)], ["Worked on by", task.claim_owner && visible(task.claim_owner)],
    ["Lease", task.state === "claimed" && task.lease_expires_at && h("span", { "data-left": task.lease_expires_at })],
    ["Submitted", h("time", { datetime: task.created_at, "data-ago": task.created_at })],
    ["Ended", (task.completed_at ?? task.failed_at) && h("time", { datetime: task.completed_at ?? task.failed_at, "data-ago": task.completed_at ?? task.failed_at })],
    ["Attempts", task.attempts ? `${task.attempts}${task.max_attempts ? ` of ${task.max_attempts}` : ""}` : null],
    ["Priority", task.priority === 5 ? null : `${task.priority} (0 is most urgent)`],
    ["Not before", task.not_before && Date.parse(task.not_before) > now ? `${whole(task.not_before)} (${until(task.not_before, now)})` : null],
    ["Expires", task.expires_at && whole(task.expires_at)],
    ["Waits for", task.waits_for?.length ? task.waits_for.map((id) => [link(id), " "]) : null],
    ["Retry of", task.retry_of && link(task.retry_of)],
    ["On hold", (task.on_hold && (visible(task.hold_reason) || "yes")) || (task.hold && visible(task.hold.reason || "its lane or vendor"))],
    ["Cause", task.cause], ["Request file", kept(task) ? null : path(task.request_path)], ["Answer file", path(task.response_path)],
    ["Worktree", path(task.worktree_path)], ["Branch", visible(task.expected_branch) || null],
    ["Supporting", task.supporting_paths.length ? task.supporting_paths.map((one) => h("div", null, path(one.path))) : null],
    ["Metadata", Object.keys(task.metadata).length ? h("details", null, h("summary", null, Object.keys(task.metadata).length), h("pre.plain", { tabindex: 0 }, visible(JSON.stringify(task.metadata, null, 1)))) : null],
  ];
  return [h("h2", null, "Facts"), h("dl.facts", null, rows.filter(([, value]) => value).map(([name, value]) => [h("dt", null, name), h("dd", null, value)]))];
}

// The store's own copy is no file of anybody's.
const kept = (task) => task.request_path?.endsWith(`/tasks/${task.id}/request.md`);
const path = (text) => text && h("code.path", null, visible(text));

function attempts(found) {
  if (found.length < 2) return null;
  return [h("h2", null, "Attempts"), h("ol.attempts", null, found.map((one) => h("li", null,
    h("b", null, (one.outcome ?? "working").replace("_", " ")), ` · ${visible(one.owner ?? "?")} · `,
    one.ended_at ? duration((Date.parse(one.ended_at) - Date.parse(one.claimed_at)) / 1000) : h("time", { datetime: one.claimed_at, "data-since": one.claimed_at }),
    one.reason && h("div.sub", null, visible(one.reason).slice(0, 300)))))];
}

function history(events) {
  return [h("h2", null, "History"), h("ol.history", null, events.map((one) => h("li", null,
    h("time", { datetime: one.created_at, "data-ago": one.created_at }), h("b", null, one.type.replaceAll("_", " ")),
    h("span", null, visible(one.message)), data(one.data))))];
}

function data(value) {
  const entries = Object.entries(value ?? {});
  if (!entries.length) return null;
  return h("span.sub", null, visible(entries.map(([key, one]) => `${key} ${typeof one === "object" ? JSON.stringify(one) : one}`).join(" · ")).slice(0, 500));
}
