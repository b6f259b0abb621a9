// What a person may do: each asks first, tells what came of it, and looks again.

import { post } from "./api.js";
import { ask, say } from "./dialog.js";
import { shortId, title } from "./format.js";
import { isActive, loadAround, lookAgain, model, put } from "./model.js";

const BY = "web";
const named = (task) => `“${title(task).slice(0, 80)}” (${shortId(task.id)})`;

async function does(work, done) {
  try {
    const answer = await work();
    if (answer.task) put({ ...model.tasks.get(answer.task.id), ...answer.task });
    say(typeof done === "function" ? done(answer) : done);
    return answer;
  } catch (wrong) {
    say([wrong.message, wrong.hint].filter(Boolean).join(" – "), { wrong: true });
    return null;
  }
}

export async function cancel(task) {
  if (!isActive(task)) return say("Only an open task can be cancelled.");
  const who = task.claim_owner ? ` ${task.claim_owner} is working on it and will be refused.` : "";
  const told = await ask({ title: "Cancel this task?", text: `${named(task)} ends at once.${who}`, action: "Cancel the task", danger: true });
  if (told) await does(() => post(`/tasks/${task.id}/cancel`, { by: BY, reason: told.reason }), "Cancelled.");
  lookAgain(task.id);
}

export async function retry(task) {
  if (isActive(task)) return say("Only a finished task can be done again.");
  const told = await ask({ title: "Do it again?", text: `${named(task)} is queued once more, as a new task.`, action: "Retry", reason: false });
  if (!told) return;
  const work = () => (model.dead.has(task.id) ? post("/dead/retry", { task_id: task.id }) : post(`/tasks/${task.id}/retry`));
  const answer = await does(work, (told) => (told.already_done ? "It is under way already." : "Queued again."));
  const id = answer?.task_id ?? answer?.retried?.[0]?.task_id;
  if (id) { lookAgain(id); location.hash = `#/task/${id}`; }
}

export async function discard(task) {
  const told = await ask({ title: "Let this dead letter be?", text: `${named(task)} stays as it is, and is no longer listed among the dead letters.`, action: "Discard the letter", danger: true });
  if (told) await does(() => post("/dead/discard", { task_id: task.id, by: BY, reason: told.reason }), "Discarded.");
  lookAgain(task.id);
}

export async function holdOrResume(task) {
  if (task.state !== "queued") return say("Only a queued task can be put on hold.");
  if (task.on_hold) {
    const told = await ask({ title: "Let it go on?", text: `${named(task)} is offered again.`, action: "Resume", reason: false });
    if (told) await does(() => post(`/tasks/${task.id}/resume`, { by: BY }), "Resumed.");
  } else {
    const told = await ask({ title: "Put it on hold?", text: `${named(task)} keeps its place, and is not offered.`, action: "Hold", span: true });
    if (told) await does(() => post(`/tasks/${task.id}/hold`, { by: BY, ...told }), "On hold.");
  }
  lookAgain(task.id);
}

// Lanes and vendors: `what` is { lane } or { vendor }, or both.
export async function hold(what) {
  const told = await ask({ title: `Put ${words(what)} on hold?`, text: "Its tasks keep their places, and are not offered. What is being worked on goes on.", action: "Hold", span: true });
  if (told) await does(() => post("/holds", { ...what, by: BY, ...told }), `${words(what)} is on hold.`);
  await again();
}

export async function resume(what) {
  const told = await ask({ title: `Let ${words(what)} go on?`, text: "Its tasks are offered again.", action: "Resume", reason: false });
  const { lane, vendor } = what;
  if (told) await does(() => post("/holds/resume", { ...(lane ? { lane } : {}), ...(vendor ? { vendor } : {}) }), `${words(what)} goes on.`);
  await again();
}

export const words = ({ lane, vendor }) => [vendor && `vendor ${vendor}`, lane && `lane ${lane}`].filter(Boolean).join(" on ") || "everything";

async function again() {
  await loadAround().catch(() => {});
  for (const task of model.tasks.values()) if (task.state === "queued") lookAgain(task.id);
}
