// What a task belongs to and what follows from it, as nested lists.

import { h, visible } from "./dom.js";
import { shortId } from "./format.js";
import { icon } from "./icons.js";
import { model } from "./model.js";
import { title } from "./format.js";

const RELATIONS = { depends_on: "after", retry_of: "again", parent_task_id: "from" };

export function tree({ tasks, left_off }, id) {
  if (tasks.length < 2) return null;
  const under = Map.groupBy ? Map.groupBy(tasks, (one) => one.under) : grouped(tasks);
  const branch = (parent) => {
    const children = under.get(parent) ?? [];
    return children.length ? h("ul", null, children.map((one) => h("li", null, node(one, id), branch(one.task_id)))) : null;
  };
  return [h("h2", null, "Tree"), h("div.tree", null, branch(null)), left_off > 0 && h("p.hint", null, `${left_off} more`)];
}

function node(one, id) {
  const known = model.tasks.get(one.task_id);
  const relation = one.parents?.find((parent) => parent.task_id === one.under)?.relation;
  const name = known ? visible(title(known)).slice(0, 80) : shortId(one.task_id);
  const state = one.state === "damaged" ? "lapsed" : one.state;
  return h(`span.node.is-${state}`, null, icon(state), h("span.unseen", null, `${one.state}: `),
    one.task_id === id ? h("b", { "aria-current": "true" }, name) : h("a", { href: `#/task/${one.task_id}` }, name),
    relation && h("span.sub", null, ` ${RELATIONS[relation] ?? relation}`), h("span.sub", null, ` · ${one.lane ?? ""}`));
}

function grouped(tasks) {
  const found = new Map();
  for (const one of tasks) found.set(one.under, [...(found.get(one.under) ?? []), one]);
  return found;
}
