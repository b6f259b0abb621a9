#!/usr/bin/env bash
# dispatcher.sh: waits on a lane, gives each task to a fresh headless agent, and sends the answer back.
#
#   VENDOR=claude bash handoff/dispatcher.sh
#
# It turns its environment into one `agent-lanes work`, which does the rest: claims by vendor, runs the agent under a guard, keeps
# the lease alive, answers, and goes on. Words behind the script's name are further options of `work`: --concurrency 3, --once.
#
# Environment ([default]):
#   VENDOR              whose tasks to take, and which agent to run: `agent-lanes vendors` lists them; or any name with
#                       HEADLESS_AGENT_CMD. Required
#   QUEUE_ROOT          the state folder, absolute [what handoff.yaml beside this script says; else required]
#   CONFIG              [handoff.yaml beside the state folder]
#   LANE                [default]
#   OWNER               who claims and answers [<user>-<vendor>-<pid>]
#   HEADLESS_AGENT_CMD  a shell command line that reads the prompt on stdin and prints the answer [the vendor's command]
#   LEASE_SECONDS       how long a claim holds without a renewal [900]
#   HEARTBEAT_SECONDS   time between renewals, 0 for none [60]
#   WAIT_TIMEOUT        seconds of one wait for work; after it the next wait begins [21600]
#   ONCE                1: handle one task and exit 0; exit 2 when none came within WAIT_TIMEOUT
#   AGENT_LANES_BIN     the agent-lanes program to use [bin/handoff beside this script, the recorded .python, PATH]
#
# The agent runs in the task's worktree_path (else workspace_root), in a session of its own, with AGENT_LANES_TASK_ID and
# AGENT_LANES_REQUEST_PATH set.
set -uo pipefail

die() { # exit code, message
    printf 'dispatcher.sh: %s\n' "$2" >&2
    exit "$1"
}

# ---- settings ------------------------------------------------------------------------------------------------------------------

if [ -z "${VENDOR:-}" ]; then
    cat >&2 <<'USAGE'
dispatcher.sh: set VENDOR to say whose tasks to take:
  VENDOR=claude bash handoff/dispatcher.sh                                        (also codex, gemini, opencode ...)
  VENDOR=mine HEADLESS_AGENT_CMD='my-agent --print' bash handoff/dispatcher.sh    (prompt on stdin, answer on stdout)
USAGE
    exit 64
fi

self=${BASH_SOURCE[0]}
while [ -h "$self" ]; do
    target=$(readlink "$self")
    case $target in
        /*) self=$target ;;
        *) self=$(dirname -- "$self")/$target ;;
    esac
done
here=$(CDPATH='' cd -P -- "$(dirname -- "$self")" && pwd -P) || die 1 "cannot enter the folder of $self"

LANE=${LANE:-default}
OWNER=${OWNER:-$(id -un 2>/dev/null || id -u)-$VENDOR-$$}
LEASE_SECONDS=${LEASE_SECONDS:-900}
HEARTBEAT_SECONDS=${HEARTBEAT_SECONDS:-60}
WAIT_TIMEOUT=${WAIT_TIMEOUT:-21600}
for name in LEASE_SECONDS HEARTBEAT_SECONDS WAIT_TIMEOUT; do
    case ${!name} in
        '' | *[!0-9]* | ??????????*) die 64 "$name is '${!name}': give a whole number of seconds" ;;
    esac
    printf -v "$name" '%d' "$((10#${!name}))"
done
if [ "$HEARTBEAT_SECONDS" -ge "$LEASE_SECONDS" ]; then
    printf 'dispatcher.sh: HEARTBEAT_SECONDS must be smaller than LEASE_SECONDS: renewing three times a lease\n' >&2
    HEARTBEAT_SECONDS=''
fi

case ${QUEUE_ROOT:-} in
    '')
        [ -f "$here/handoff.yaml" ] || die 64 "set QUEUE_ROOT to the queue's state folder (no handoff.yaml lies beside this script)"
        CONFIG=${CONFIG:-$here/handoff.yaml}
        ;;
    /*)
        if [ -z "${CONFIG:-}" ]; then
            CONFIG=$(dirname -- "$QUEUE_ROOT")/handoff.yaml
            if [ ! -f "$CONFIG" ] && [ -f "$here/handoff.yaml" ]; then CONFIG=$here/handoff.yaml; fi
        fi
        ;;
    *) die 64 "QUEUE_ROOT is '$QUEUE_ROOT': give an absolute path" ;;
esac
[ -f "$CONFIG" ] || die 64 "no config at $CONFIG: set CONFIG to the handoff.yaml of this queue"

# ---- which agent-lanes ---------------------------------------------------------------------------------------------------------

recorded=''
if [ -r "$(dirname -- "$CONFIG")/.python" ]; then IFS= read -r recorded <"$(dirname -- "$CONFIG")/.python"; fi
if [ -n "${AGENT_LANES_BIN:-}" ]; then
    command -v -- "$AGENT_LANES_BIN" >/dev/null || die 1 "AGENT_LANES_BIN is '$AGENT_LANES_BIN', which is not a program"
    lanes=("$AGENT_LANES_BIN")
elif [ -f "$here/handoff.yaml" ] && [ -x "$here/bin/handoff" ]; then
    lanes=("$here/bin/handoff")
elif [ -f "$recorded" ] && [ -x "$recorded" ]; then
    lanes=("$recorded" -P -m agent_lanes)
elif command -v agent-lanes >/dev/null; then
    lanes=(agent-lanes)
elif python3 -P -c 'import agent_lanes' 2>/dev/null; then
    lanes=(python3 -P -m agent_lanes)
else
    die 1 "agent-lanes is not installed here: run 'pip install agent-lanes', or set AGENT_LANES_BIN"
fi

# ---- the dispatcher ------------------------------------------------------------------------------------------------------------

call=("${lanes[@]}" --config "$CONFIG")
if [ -n "${QUEUE_ROOT:-}" ]; then call+=(--store "$QUEUE_ROOT"); fi
call+=(work --lane "$LANE" --vendor "$VENDOR" --owner "$OWNER")
call+=(--lease-seconds "$LEASE_SECONDS" --wait "$WAIT_TIMEOUT")
if [ -n "$HEARTBEAT_SECONDS" ]; then call+=(--renew-seconds "$HEARTBEAT_SECONDS"); fi
if [ "${ONCE:-}" = 1 ]; then call+=(--once); fi
call+=("$@")
if [ -n "${HEADLESS_AGENT_CMD:-}" ]; then call+=(-- bash -c "$HEADLESS_AGENT_CMD"); fi
exec "${call[@]}"
