#!/usr/bin/env bash
# A graph: plan, then two halves at the same time, then a join. The queue keeps the order; the script submits once and waits once.
# No model is involved: the workers are small shell scripts. Needs agent-lanes on PATH, or AGENT_LANES=/path/to/agent-lanes.
set -euo pipefail

AGENT_LANES=${AGENT_LANES:-agent-lanes}
command -v "$AGENT_LANES" >/dev/null || { echo "run.sh: $AGENT_LANES is not a program: pip install agent-lanes, or set AGENT_LANES" >&2; exit 1; }

folder=$(mktemp -d "${TMPDIR:-/tmp}/graph.XXXXXX")
workers=()
stop_workers() {
    for worker in ${workers[@]+"${workers[@]}"}; do
        kill "$worker" 2>/dev/null || :
        wait "$worker" || :
    done
    workers=()
}
trap 'stop_workers; rm -rf "$folder"' EXIT

label() { while IFS= read -r line; do printf '[%s] %s\n' "$1" "$line"; done; }
expect() { "$@" >/dev/null || { echo "run.sh: not as expected: $*" >&2; exit 1; }; }

# ---- a project, and two workers. Each writes its answer into the project, where the next ones find it.

cd "$folder"
"$AGENT_LANES" init . --workspace-id graph >/dev/null
cat >step.sh <<'AGENT'
step=$(sed -n 's/^step: //p')
case $step in
    plan) echo "harbour market" >plan.txt ;;
    left) cut -d' ' -f1 plan.txt >left.txt ;;
    right) cut -d' ' -f2 plan.txt >right.txt ;;
    join) paste -d+ left.txt right.txt ;;
esac
echo "$step is done"
AGENT
for name in worker-1 worker-2; do
    VENDOR=worker OWNER=$name HEADLESS_AGENT_CMD='sh step.sh' bash handoff/dispatcher.sh 2> >(label "$name") &
    workers+=($!)
done

# ---- the whole graph in one call. Made again with the same key, it is still one graph.

cat >graph.jsonl <<'LINES'
{"name": "join", "lane": "default", "prompt": "step: join", "depends_on": ["@left", "@right"], "response_to": "join.md"}
{"name": "left", "lane": "default", "prompt": "step: left", "depends_on": ["@plan"]}
{"name": "right", "lane": "default", "prompt": "step: right", "depends_on": ["@plan"]}
{"name": "plan", "lane": "default", "prompt": "step: plan"}
LINES
"$AGENT_LANES" submit --many graph.jsonl --idempotency-key release-7 >ids
"$AGENT_LANES" submit --many graph.jsonl --idempotency-key release-7 >again 2>/dev/null
expect cmp ids again

# ---- wait for all of it

"$AGENT_LANES" wait --all - --timeout 120 --quiet <ids | label 'asker   '
"$AGENT_LANES" tree "$(tail -1 ids)" --ascii | label 'tree    '
expect grep -q harbour+market join.md
expect test "$("$AGENT_LANES" tree "$(tail -1 ids)" --ascii | grep -c completed)" = 4
stop_workers
echo 'One call, four tasks in three steps, one wait.'
