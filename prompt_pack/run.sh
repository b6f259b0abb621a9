#!/usr/bin/env bash
# Work through steps/*.md: an executor does each, a reviewer looks at it, and what is accepted is a checkpoint.
#
#   bash prompt-pack/run.sh                       go on where it stopped; it may be stopped at any time
#   bash prompt-pack/run.sh --status              which steps are accepted
#
# EXECUTOR, REVIEWER   whose agents (default: claude, codex)         LANE     default: default
# ROUNDS               how often a step may be done (default: 3)     TIMEOUT  seconds for each answer (default: 21600)
# AGENT_LANES          the program (default: the project's handoff/bin/handoff, else agent-lanes)
#
# Exit codes: 0 all accepted; 1 a step was not accepted in ROUNDS rounds: see out/; else that of the command that failed.
set -euo pipefail

pack=$(cd -- "$(dirname -- "$0")" && pwd -P)
out=$pack/out
executor=${EXECUTOR:-claude} reviewer=${REVIEWER:-codex} lane=${LANE:-default} rounds=${ROUNDS:-3}
program=${AGENT_LANES:-$pack/../handoff/bin/handoff}
[ -n "${AGENT_LANES:-}" ] || [ -x "$program" ] || program=agent-lanes
cd -- "$pack/.."
mkdir -p -- "$out"

# ask ROLE VENDOR STEP ROUND AFTER: prints the id of the task. The same call made again is the same task: its key is made of
# what is asked. Who works on it is shown the answers of AFTER and of those before it.
ask() {
    local name sum
    name=$(basename -- "$3" .md)
    sum=$({ cat -- "$pack/$1.md" "$3" && printf '%s\n' "$@"; } | cksum)
    "$program" submit --lane "$lane" --request-from "$3" --prompt-file "$pack/$1.md" --source-agent prompt-pack \
        --response-to "$out/$name.$4.$1.md" --metadata "required_vendor=$2" \
        --metadata "role=$1" ${5:+--metadata "parent_task_id=$5"} --task-id "$name.$4.$1" \
        --idempotency-key "prompt-pack ${name:0:100} $4 $1 $sum"
}
# await ID: prints the verdict, if there is one
await() { "$program" wait "$1" --timeout "${TIMEOUT:-21600}" | sed -n 's/^verdict=//p'; }

after=''
for step in "$pack"/steps/*.md; do
    name=$(basename -- "$step" .md)
    accepted=$out/$name.accepted # the checkpoint: id of the last answer, and what the step said then
    sum=$(cksum <"$step")
    if [ -f "$accepted" ] && [ "$(sed -n 2p "$accepted")" = "$sum" ]; then
        after=$(sed -n 1p "$accepted")
        echo "$name: accepted"
        continue
    fi
    if [ "${1:-}" = --status ]; then
        echo "$name: open"
        continue
    fi
    verdict=''
    for ((round = 1; round <= rounds; round++)); do
        echo "$name: round $round, $executor at work"
        done_id=$(ask EXECUTOR "$executor" "$step" "$round" "$after")
        await "$done_id" >/dev/null
        review=$(ask REVIEWER "$reviewer" "$step" "$round" "$done_id")
        verdict=$(await "$review")
        echo "$name: round $round, $reviewer says ${verdict:-nothing}"
        after=$review
        case $verdict in accept | accept-with-follow-ups) break ;; esac
    done
    case $verdict in
        accept | accept-with-follow-ups) printf '%s\n%s\n' "$after" "$sum" >"$accepted.new" && mv -- "$accepted.new" "$accepted" ;;
        *)
            echo "$name: not accepted; the last review is $out/$name.$rounds.REVIEWER.md" >&2
            exit 1
            ;;
    esac
done
