#!/usr/bin/env bash
# A prompt pack: two steps, an executor, a reviewer who is not content at once, and checkpoints. No model is involved: the agents are small
# shell scripts. Needs agent-lanes on PATH, or AGENT_LANES=/path/to/agent-lanes.
set -euo pipefail

AGENT_LANES=${AGENT_LANES:-agent-lanes}
command -v "$AGENT_LANES" >/dev/null || { echo "run.sh: $AGENT_LANES is not a program: pip install agent-lanes, or set AGENT_LANES" >&2; exit 1; }

folder=$(mktemp -d "${TMPDIR:-/tmp}/prompt-pack.XXXXXX")
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

# ---- a project with a pack of two steps

cd "$folder"
"$AGENT_LANES" init . --workspace-id prompt-pack --pack >/dev/null
export AGENT_LANES EXECUTOR=builder REVIEWER=critic

# ---- nobody works yet: the script gives up waiting, and nothing is lost by that

code=0
TIMEOUT=0.1 bash prompt-pack/run.sh >/dev/null 2>&1 || code=$?
expect test "$code" = 2

# ---- two dispatchers, one for each role

cat >builder.sh <<'AGENT'
case $(cat) in *'needs a roof'*) echo 'It has a roof now.' ;; *) echo 'It has four walls.' ;; esac
AGENT
cat >critic.sh <<'AGENT'
case $(cat) in
    *'a roof now'*) printf 'Good.\n\nVERDICT: accept\n' ;;
    *'# Build'*) printf 'Blocking: it needs a roof.\n\nVERDICT: needs-revision\n' ;;
    *) printf 'Good.\n\nVERDICT: accept\n' ;;
esac
AGENT
for vendor in builder critic; do
    VENDOR=$vendor HEADLESS_AGENT_CMD="sh $vendor.sh" bash handoff/dispatcher.sh 2> >(label "$vendor") &
    workers+=($!)
done

# ---- it goes on where it was, and is through once both steps are accepted

bash prompt-pack/run.sh | tee told | label 'run    '
expect grep -q '02-build: round 1, critic says needs-revision' told
expect grep -q '02-build: round 2, critic says accept' told
expect grep -q 'a roof now' prompt-pack/out/02-build.2.EXECUTOR.md
expect test "$("$AGENT_LANES" list | grep -c '"id":')" = 6
stop_workers

# ---- once more: everything is a checkpoint now, nobody is asked

bash prompt-pack/run.sh | label 'again  '
expect test "$("$AGENT_LANES" list | grep -c '"id":')" = 6
echo 'Two steps, three rounds, six tasks; stopped once, nothing done twice.'
