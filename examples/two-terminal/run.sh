#!/usr/bin/env bash
# Two terminals in one: terminal 2 waits for work, terminal 1 hands it a file and gets the answer back.
# No model is involved: the agent is a small shell script. Needs agent-lanes on PATH, or AGENT_LANES=/path/to/agent-lanes.
set -euo pipefail

AGENT_LANES=${AGENT_LANES:-agent-lanes}
command -v "$AGENT_LANES" >/dev/null || { echo "run.sh: $AGENT_LANES is not a program: pip install agent-lanes, or set AGENT_LANES" >&2; exit 1; }

folder=$(mktemp -d "${TMPDIR:-/tmp}/two-terminal.XXXXXX")
dispatcher=''
tidy_up() {
    if [ -n "$dispatcher" ]; then
        kill "$dispatcher" 2>/dev/null || :
        wait "$dispatcher" || :
    fi
    rm -rf "$folder"
}
trap tidy_up EXIT

label() { while IFS= read -r line; do printf '[terminal %s] %s\n' "$1" "$line"; done; }
typed() { printf '[terminal %s] $ %s\n' "$1" "$2"; }
expect() { "$@" >/dev/null || { echo "run.sh: not as expected: $*" >&2; exit 1; }; }

# ---- a project: one document, a queue beside it, and an agent that knows one thing

cd "$folder"
cat >spec.md <<'SPEC'
# A kettle that can wait

Boils water, then keeps it warm until somebody comes.

## Heating
1.8 kW until 96 degrees.

## Keeping warm
Up to 40 minutes, then off.
SPEC

cat >outline-agent.sh <<'AGENT'
#!/bin/sh
# In the place of claude or codex: the prompt comes on stdin, the answer goes to stdout.
cat >/dev/null
printf 'Outline of %s, %s words:\n\n' "$(basename "$AGENT_LANES_REQUEST_PATH")" "$(wc -w <"$AGENT_LANES_REQUEST_PATH" | tr -d ' ')"
grep '^#' "$AGENT_LANES_REQUEST_PATH"
printf '\nVERDICT: accept\n'
AGENT

typed 1 'agent-lanes init'
"$AGENT_LANES" init . --workspace-id kettle | label 1

# ---- terminal 2 waits for work

typed 2 "VENDOR=demo HEADLESS_AGENT_CMD='sh outline-agent.sh' bash handoff/dispatcher.sh"
VENDOR=demo OWNER=terminal-2 HEADLESS_AGENT_CMD='sh outline-agent.sh' bash handoff/dispatcher.sh 2> >(label 2) &
dispatcher=$!
until [ -n "$("$AGENT_LANES" listeners --lane default 2>/dev/null)" ]; do # it waits as soon as it is among them
    kill -0 "$dispatcher" # or has ended, and said why
    sleep 0.1
done

# ---- terminal 1 hands over a file, and blocks until the answer is there

typed 1 'handoff submit --lane default --request-from spec.md --response-to out/outline.md --prompt ...'
task=$(./handoff/bin/handoff submit --lane default --request-from spec.md --response-to out/outline.md --prompt 'Give me the outline of this file.')
echo "$task" | label 1
typed 1 "handoff wait $task"
waited=$(./handoff/bin/handoff wait "$task" --timeout 60 --quiet)
echo "$waited" | label 1
typed 1 'cat out/outline.md'
label 1 <out/outline.md

expect grep '^status=completed$' <<<"$waited"
expect grep '^verdict=accept$' <<<"$waited"
expect grep '^Outline of spec.md, 31 words:$' out/outline.md
expect test "$(grep -c '^#' out/outline.md)" = 3

kill "$dispatcher"
code=0
wait "$dispatcher" || code=$?
dispatcher=''
expect test "$code" = 0 # told to leave, and nothing was left undone
echo 'One file handed over, one answer back.'
