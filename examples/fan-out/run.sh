#!/usr/bin/env bash
# Fan-out: a planner takes one task, splits it into three, two workers do these at the same time, the planner joins their answers.
# No model is involved: the workers are small shell scripts. Needs agent-lanes on PATH, or AGENT_LANES=/path/to/agent-lanes.
set -euo pipefail

AGENT_LANES=${AGENT_LANES:-agent-lanes}
command -v "$AGENT_LANES" >/dev/null || { echo "run.sh: $AGENT_LANES is not a program: pip install agent-lanes, or set AGENT_LANES" >&2; exit 1; }

folder=$(mktemp -d "${TMPDIR:-/tmp}/fan-out.XXXXXX")
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
value_of() { sed -n "s/^$1=//p" <<<"$2"; } # key, lines of key=value

# ---- a project, and two workers that wait. They take what is meant for the vendor `worker`, and leave the planner's task alone.

cd "$folder"
"$AGENT_LANES" init . --workspace-id city >/dev/null
handoff=./handoff/bin/handoff
for district in harbour market hills; do
    printf '# %s\n\nLamps: %s\n' "$district" "${#district}" >"$district.md"
done
printf 'How many lamps are there in all districts?\n' >question.md

cat >count-agent.sh <<'AGENT'
cat >/dev/null
sleep 1
sed -n "s/^Lamps: /$(basename "$AGENT_LANES_REQUEST_PATH" .md) /p" "$AGENT_LANES_REQUEST_PATH"
AGENT
for name in worker-1 worker-2; do
    VENDOR=worker OWNER=$name HEADLESS_AGENT_CMD='sh count-agent.sh' bash handoff/dispatcher.sh 2> >(label "$name") &
    workers+=($!)
done

# ---- somebody asks

parent=$($handoff submit --lane default --request-from question.md --response-to answer.md --metadata required_vendor=planner)
echo "$parent" | label 'asker   '

# ---- the planner takes the task, splits it, waits for all parts, joins them, answers

claimed=$($handoff claim --lane default --vendor planner --owner planner --wait 10)
token=$(value_of claim_token "$claimed")
expect test "$(value_of task_id "$claimed")" = "$parent"

children=()
for district in harbour market hills; do
    child=$($handoff submit --lane default --request-from "$district.md" --prompt 'Count the lamps.' --source-agent planner \
        --metadata required_vendor=worker --metadata "parent_task_id=$parent" --metadata "thread_id=$parent")
    echo "asks: $district.md ($child)" | label 'planner '
    children+=("$child")
done
for child in "${children[@]}"; do
    $handoff wait "$child" --timeout 60 --quiet # without --response-to, wait prints the answer itself
done >parts.txt
{
    cat parts.txt
    awk '{ lamps += $2 } END { print "together " lamps }' parts.txt
} >joined.txt
$handoff respond "$parent" --claim-token "$token" --file joined.txt --reviewer planner >/dev/null

# ---- the asker has the answer

$handoff wait "$parent" --timeout 10 --quiet >/dev/null
label 'asker   ' <answer.md
expect test "$(cat answer.md)" = "$(printf 'harbour 7\nmarket 6\nhills 5\ntogether 18')"
for name in worker-1 worker-2; do
    expect grep "\"reviewer\": \"$name\"" handoff/state/tasks/*/response.json
done
stop_workers
echo 'One question, three parts, two workers, one answer.'
