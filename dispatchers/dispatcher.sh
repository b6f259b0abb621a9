#!/usr/bin/env bash
# dispatcher.sh: waits on a lane, gives each task to a fresh headless agent, and sends the answer back.
#
#   VENDOR=claude bash handoff/dispatcher.sh
#
# One round is: claim, show, run the agent, respond. Each of these is one agent-lanes command and nothing is kept here in between,
# so this script may be stopped or killed at any moment: the agent is stopped with it, and the task goes back to its lane.
#
# Environment ([default]):
#   VENDOR              whose tasks to take: claude, codex, gemini, or any name with HEADLESS_AGENT_CMD. Required
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
# AGENT_LANES_REQUEST_PATH set. Exit code 0 and some text is an answer; all else answers the task as failed, with the end of stderr.
set -uo pipefail

say() { printf '%s %s\n' "$(date '+%F %T')" "$*" >&2; }
die() {
    printf 'dispatcher.sh: %s\n' "$2" >&2
    exit "$1"
}

# ---- settings ------------------------------------------------------------------------------------------------------------------

if [ -z "${VENDOR:-}" ]; then
    cat >&2 <<'USAGE'
dispatcher.sh: set VENDOR to say whose tasks to take:
  VENDOR=claude bash handoff/dispatcher.sh                                        (also codex, gemini)
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
ONCE=${ONCE:-}
for name in LEASE_SECONDS HEARTBEAT_SECONDS WAIT_TIMEOUT; do
    case ${!name} in
        '' | *[!0-9]* | ??????????*) die 64 "$name is '${!name}': give a whole number of seconds" ;;
    esac
    printf -v "$name" '%d' "$((10#${!name}))"
done
if [ "$HEARTBEAT_SECONDS" -ge "$LEASE_SECONDS" ] && [ "$LEASE_SECONDS" -gt 1 ]; then
    HEARTBEAT_SECONDS=$(((LEASE_SECONDS + 2) / 3))
    say "HEARTBEAT_SECONDS must be smaller than LEASE_SECONDS: renewing every $HEARTBEAT_SECONDS s"
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

# lanes: the agent-lanes command with everything that is the same in every call
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
lanes+=(--config "$CONFIG")
if [ -n "${QUEUE_ROOT:-}" ]; then lanes+=(--store "$QUEUE_ROOT"); fi

# agent: the headless command. Every one of these reads the prompt on stdin and prints the answer alone on stdout.
if [ -n "${HEADLESS_AGENT_CMD:-}" ]; then
    agent=(bash -c "$HEADLESS_AGENT_CMD")
else
    case $VENDOR in
        claude) agent=(claude -p --output-format text --permission-mode acceptEdits) ;;
        codex) agent=(codex exec --color never -s workspace-write --skip-git-repo-check -) ;;
        gemini) agent=(env GEMINI_CLI_NO_RELAUNCH=true gemini --skip-trust --approval-mode auto_edit) ;;
        *) die 64 "no command is known for vendor '$VENDOR': set HEADLESS_AGENT_CMD to one that reads the prompt on stdin" ;;
    esac
    command -v "$VENDOR" >/dev/null || die 1 "$VENDOR is not on PATH: install it, or set HEADLESS_AGENT_CMD"
fi
own_session=()
if command -v setsid >/dev/null; then own_session=(setsid); fi

answer_limit_kib=32768 # an answer larger than this is a mistake, and must not fill the disk
grace_seconds=5        # between SIGTERM and SIGKILL; agents need 1 to 2 s to stop their tools

agents_umask=$(umask)
umask 077
work=$(mktemp -d "${TMPDIR:-/tmp}/agent-lanes.XXXXXX") || die 74 "cannot make a temporary folder"
errors=$work/error # stderr of the last agent-lanes command
stop=''            # exit code, once a signal has told us to stop
child=''           # the process that we wait for: a claim, an agent, a sleep
group=''           # the same, when it leads a process group
told=''            # `told` once that group has had its SIGTERM
keeper=''

# ---- signals and the end -------------------------------------------------------------------------------------------------------

# shellcheck disable=SC2317  # called by trap
on_signal() { # exit code. Told twice: at once.
    local how=TERM
    if [ -n "$stop" ]; then how=KILL; fi
    stop=$1
    if [ -z "$child" ]; then return; fi
    if [ -n "$group" ] && kill -s "$how" -- "-$group" 2>/dev/null; then
        told=told
        return
    fi
    kill -s "$how" "$child" 2>/dev/null
}
trap 'on_signal 130' INT
trap 'on_signal 143' TERM
trap 'on_signal 129' HUP
trap 'if [ -n "$keeper" ]; then kill "$keeper"; wait "$keeper"; fi 2>/dev/null; rm -rf "$work"' EXIT

# Nobody ever writes to this pipe. The keeper reads it, and it ends when this process is gone, be it by kill -9.
mkfifo "$work/alive" || die 74 "cannot make a pipe in $work"
exec 8<>"$work/alive"

pause() { # seconds; ends early when we are told to stop
    sleep "$1" 8>&- &
    child=$!
    if [ -z "$stop" ]; then wait "$child"; else kill "$child"; fi
    child=''
} 2>/dev/null

# ---- talking to the queue ------------------------------------------------------------------------------------------------------

# One short agent-lanes command. Ctrl-C reaches the whole foreground group: an answer on its way must not die of it.
cli() { (
    trap '' INT TERM HUP
    exec "${lanes[@]}" "$@" </dev/null 8>&-
) 2>"$errors"; }
cli_error() { tail -n 1 "$errors" 2>/dev/null; }

note() { # type, message, then --data K=V …
    local type=$1 message=$2
    shift 2
    cli event "$task_id" --claim-token "$claim_token" --type "$type" --message "$message" "$@" >/dev/null ||
        say "${task_id##*-}: could not note $type (exit $?): $(cli_error)"
}

give_back() { # reason
    if cli release "$task_id" --claim-token "$claim_token" --reason "$1" >/dev/null; then
        say "${task_id##*-}: released: $1"
    else
        say "${task_id##*-}: could not be released (exit $?): $(cli_error)"
    fi
}

# Sends one answer: file, then options. Busy or a passing fault: again, for a minute.
send() {
    local file=$1 code delay=1 confirmed=''
    shift
    while :; do
        cli respond "$task_id" --claim-token "$claim_token" --file "$file" --reviewer "$OWNER" --metadata "vendor=$VENDOR" --json "$@" \
            >"$work/reply"
        code=$?
        if [ "$code" -eq 76 ]; then # done but not confirmed: the same answer again confirms it
            if [ -z "$confirmed" ]; then confirmed=asked && continue; fi
            say "${task_id##*-}: answered, but not confirmed: $(cli_error)"
            return 0
        fi
        case $code in 1 | 74 | 75) ;; *) return "$code" ;; esac
        if [ "$delay" -gt 32 ] || [ -n "$stop" ]; then return "$code"; fi
        say "${task_id##*-}: respond failed (exit $code), again in $delay s: $(cli_error)"
        pause "$delay"
        delay=$((delay * 2))
    done
}

# Reads the claim in hand: key=value, one a line. Fails when there is none.
read_claim() {
    local line value
    task_id='' claim_token='' workspace_root='' worktree_path='' request_path=''
    while IFS= read -r line; do
        value=${line#*=}
        case ${line%%=*} in
            task_id) task_id=$value ;;
            claim_token) claim_token=$value ;;
            workspace_root) workspace_root=$value ;;
            worktree_path) worktree_path=$value ;;
            request_path) request_path=$value ;;
        esac
    done <"$work/claim"
    run=$work/$task_id
    [ -n "$task_id" ] && [ -n "$claim_token" ]
} 2>/dev/null

# Waits for a task and claims it. 0 = claimed, 2 = nothing came, anything else: the command failed.
claim_next() {
    local code=0 started=$SECONDS
    "${lanes[@]}" claim --lane "$LANE" --vendor "$VENDOR" --owner "$OWNER" --lease-seconds "$LEASE_SECONDS" --wait "$WAIT_TIMEOUT" \
        >"$work/claim" 2>"$errors" 8>&- &
    child=$!
    printf '%s\n' "$child" >"$work/claiming"
    if [ -z "$stop" ]; then
        wait "$child" 2>/dev/null
        code=$?
    fi
    while kill -0 "$child" 2>/dev/null; do wait "$child" 2>/dev/null; done
    child=''
    rm -f "$work/claiming"
    if read_claim; then return 0; fi
    if [ "$code" -eq 2 ]; then return 1; fi
    if [ "$code" -ne 0 ] && [ -z "$stop" ]; then return "$code"; fi
    if [ "$SECONDS" -eq "$started" ] && [ -z "$stop" ]; then pause 1; fi # WAIT_TIMEOUT=0 must not spin
    return 2
}

# ---- the keeper: stands beside us, renews the claim in hand, and outlives us for as long as it takes to tidy up ---------------------

keep() {
    local code started pid tenths
    trap '' INT HUP
    exec 7<"$work/alive" 8>&-
    errors=$work/keeper-error
    while :; do
        started=$SECONDS
        if [ "$HEARTBEAT_SECONDS" -gt 0 ]; then read -r -t "$HEARTBEAT_SECONDS" -u 7; else read -r -u 7; fi
        code=$?
        # Time-out and end of file differ by the exit code, and in bash 3 only by the time that they took.
        if [ "$code" -le 128 ] && { [ "$HEARTBEAT_SECONDS" -eq 0 ] || [ $((SECONDS - started)) -lt "$HEARTBEAT_SECONDS" ]; }; then break; fi
        if read_claim; then renew; fi
    done
    # The dispatcher was killed. A claim that goes on waiting would take a task that nobody works on.
    if IFS= read -r pid <"$work/claiming"; then
        kill "$pid"
        for ((tenths = 0; tenths < 20; tenths++)); do kill -0 "$pid" && sleep 0.1; done
    fi 2>/dev/null
    if read_claim; then
        stop_agent
        give_back 'its dispatcher was killed'
    fi
    rm -rf "$work"
}

renew() {
    local code
    cli renew "$task_id" --claim-token "$claim_token" --lease-seconds "$LEASE_SECONDS" >/dev/null
    code=$?
    case $code in
        0 | 76) ;;
        4 | 5 | 9)
            if printf '%s\n' "$claim_token" "$(cli_error)" >"$run/lost"; then stop_agent; fi 2>/dev/null
            ;;
        *) say "${task_id##*-}: renew failed (exit $code), again in $HEARTBEAT_SECONDS s: $(cli_error)" ;;
    esac
}

# ---- the agent -----------------------------------------------------------------------------------------------------------------

# A run is a process group, and whoever carries its mark: an agent's tools often have sessions of their own.
left_of() { # group | mark: the process numbers that are left of it
    local file
    case $1 in
        group)
            file=$(cat "$run/group")
            kill -0 -- "-$file" || return
            # In a container nobody may collect the dead: a group of them is none.
            if [ -r /proc/self/stat ]; then
                awk -v group="$file" '{ sub(/.*\) /, "") } $3 == group && $1 != "Z" { live = 1 } END { exit !live }' \
                    < <(cat /proc/[0-9]*/stat) || return
            fi
            printf -- '-%s\n' "$file"
            ;;
        mark)
            grep -lzxF -- "AGENT_LANES_RUN=$(cat "$run/mark")" /proc/[0-9]*/environ | while IFS= read -r file; do
                file=${file#/proc/}
                printf '%s\n' "${file%%/*}"
            done
            ;;
    esac
}

end_all() { # group | mark, and `told` when they have had their SIGTERM. Some seconds of grace, then SIGKILL.
    local left tenths
    for ((tenths = 0; tenths < grace_seconds * 10 + 10; tenths++)); do
        left=$(left_of "$1")
        if [ -z "$left" ]; then return; fi
        # shellcheck disable=SC2086  # a list of numbers
        if [ "$tenths" -ge $((grace_seconds * 10)) ]; then
            kill -s KILL -- $left
        elif [ "$tenths" -eq 0 ] && [ -z "${2:-}" ]; then
            kill -s TERM -- $left
        fi
        sleep 0.1
    done
}

stop_agent() { # `told` or nothing. First the group: an agent that gets SIGTERM ends its tools itself.
    if [ -e "$run/group" ]; then end_all group "${1:-}"; fi
    if [ -e "$run/mark" ]; then end_all mark; fi
} 2>/dev/null

# Runs the agent in folder $1 to its end, with all that it started. Leaves its exit code in agent_code, that of the relay of its
# answer in relay_code, and in interrupted whether it was stopped because we were.
run_agent() {
    local answer_relay complaint_relay
    printf '%s\n' "$task_id/$$/$RANDOM$RANDOM" >"$run/mark"
    mkfifo "$run/stdout" "$run/stderr"
    # Both streams pass through a relay: an agent that floods us is cut off, not the disk filled.
    (
        trap '' INT XFSZ
        ulimit -f "$answer_limit_kib"
        exec cat <"$run/stdout" >"$run/answer" 2>/dev/null 8>&-
    ) &
    answer_relay=$!
    tail -c 4096 <"$run/stderr" >"$run/complaint" 8>&- &
    complaint_relay=$!
    if [ "${#own_session[@]}" -eq 0 ]; then set -m; fi # where setsid is missing, job control gives a group of its own
    (
        trap - INT QUIT
        umask "$agents_umask"
        cd -- "$1" || exit 125
        exec ${own_session[@]+"${own_session[@]}"} env "AGENT_LANES_RUN=$(cat "$run/mark")" "AGENT_LANES_TASK_ID=$task_id" \
            "AGENT_LANES_REQUEST_PATH=$request_path" "${agent[@]}"
    ) <"$run/input" >"$run/stdout" 2>"$run/stderr" 8>&- &
    told=''
    child=$!
    group=$child
    set +m
    printf '%s\n' "$group" >"$run/group"
    agent_code=143
    if [ -z "$stop" ]; then
        wait "$child" 2>/dev/null
        agent_code=$?
    fi
    # Who stops a whole service may signal the agent before us: see whether we are meant, too.
    if [ "$agent_code" -gt 128 ] && [ -z "$stop" ]; then sleep 0.3; fi
    interrupted=$stop
    while kill -0 "$child" 2>/dev/null; do
        stop_agent "$told"
        kill "$child" 2>/dev/null # told to stop before it had its group and its mark
        sleep 0.1
    done
    stop_agent
    child='' group=''
    settle "$answer_relay"
    relay_code=$?
    settle "$complaint_relay"
}

settle() { # relay. A stranger that got away with our pipe in hand must not hold us up.
    local tenths
    for ((tenths = 0; tenths < 20; tenths++)); do
        if ! kill -0 "$1"; then break; fi
        sleep 0.1
    done
    kill "$1"
    wait "$1"
} 2>/dev/null

verdict_of() { # file: the verdict that its last line with text gives, if it does
    local line
    line=$(tail -c 1024 "$1" | LC_ALL=C tr -d '\000\r' | awk 'NF { last = $0 } END { print last }')
    if [[ $line =~ ^[[:space:]*]*VERDICT:[[:space:]*]*(accept|accept-with-follow-ups|needs-revision)[[:space:]*]*$ ]]; then
        printf '%s' "${BASH_REMATCH[1]}"
    fi
}

plain() { # text for everybody: no escape sequences, no control characters, valid UTF-8
    LC_ALL=C sed "s/$(printf '\033')\[[0-9;?]*[A-Za-z]//g" | LC_ALL=C tr -d '\000-\010\013-\037\177' |
        if command -v iconv >/dev/null; then iconv -c -f UTF-8 -t UTF-8 2>/dev/null; else LC_ALL=C tr -cd '\011\012\040-\176'; fi
}

# ---- one task ------------------------------------------------------------------------------------------------------------------

answer_completed() {
    local verdict code
    local -a options=()
    verdict=$(verdict_of "$run/answer")
    if [ -n "$verdict" ]; then options=(--verdict "$verdict"); fi
    note headless_completed "$VENDOR is done" --data "vendor=$VENDOR" --data exit_code=0
    send "$run/answer" ${options[@]+"${options[@]}"}
    code=$?
    case $code in
        0) say "${task_id##*-}: answered${verdict:+, verdict $verdict}" && failures=0 ;;
        65) answer_failed "the answer was refused: $(cli_error)" with_answer ;;
        4)
            if grep -q '"code": *"request_changed"' "$work/reply"; then
                answer_failed 'the request was changed while the agent worked on it' with_answer
            else
                refused 4
            fi
            ;;
        *) refused "$code" ;;
    esac
}

answer_failed() { # one line that says why; with_answer to send the agent's answer along, cleaned
    local code
    failures=$((failures + 1))
    say "${task_id##*-}: $1"
    note headless_failed "$1" --data "vendor=$VENDOR" ${agent_code:+--data "exit_code=$agent_code"}
    {
        printf '%s\n' "$1"
        if [ -n "${2:-}" ]; then
            printf '\nThe answer was:\n\n'
            plain <"$run/answer"
        elif [ -s "$run/complaint" ]; then
            printf '\nThe end of its stderr:\n\n'
            plain <"$run/complaint"
        elif [ -s "$run/answer" ]; then
            printf '\nThe end of its stdout:\n\n'
            tail -c 4096 "$run/answer" | plain
        fi
    } >"$run/failure"
    send "$run/failure" --status failed
    code=$?
    if [ "$code" -eq 65 ]; then # too much, it seems
        printf '%s\n' "$1" >"$run/failure"
        send "$run/failure" --status failed
        code=$?
    fi
    if [ "$code" -eq 0 ]; then say "${task_id##*-}: answered as failed"; else refused "$code"; fi
}

refused() { # exit code of respond. Unless the task is somebody else's by now: keep the answer, give the task back.
    local kept
    say "${task_id##*-}: the answer was not taken (exit $1): $(cli_error)"
    case $1 in 4 | 5 | 9) return ;; esac
    failures=$((failures + 1))
    if [ -s "$run/answer" ] && kept=$(mktemp "${TMPDIR:-/tmp}/agent-lanes-answer.XXXXXX") && cat "$run/answer" >"$kept"; then
        say "${task_id##*-}: the answer is kept in $kept"
    fi
    give_back 'its answer could not be stored'
}

handle() {
    local code folder lost_token
    agent_code=''
    rm -rf "$run"
    mkdir "$run"
    say "claimed $task_id from lane $LANE"
    note dispatcher_started "$OWNER took the task" --data "vendor=$VENDOR" --data "owner=$OWNER" --data "lane=$LANE"
    cli show "$task_id" --input >"$run/input"
    code=$?
    case $code in
        0) ;;
        4 | 5 | 6 | 65)
            answer_failed "the task could not be read: $(cli_error)"
            return
            ;;
        *)
            failures=$((failures + 1))
            give_back "its dispatcher could not read it (exit $code): $(cli_error)"
            return
            ;;
    esac
    folder=$workspace_root
    if [ -n "$worktree_path" ] && [ -d "$worktree_path" ]; then folder=$worktree_path; fi
    if [ ! -d "$folder" ]; then
        answer_failed "there is no folder '$folder' on this machine to work in"
        return
    fi
    interrupted=$stop
    if [ -z "$stop" ]; then
        note headless_started "$VENDOR starts in $folder" --data "vendor=$VENDOR"
        say "${task_id##*-}: $VENDOR at work in $folder"
        run_agent "$folder"
    fi
    if [ -e "$run/lost" ] && IFS= read -r lost_token <"$run/lost" && [ "$lost_token" = "$claim_token" ]; then
        say "${task_id##*-}: the claim is lost, the agent was stopped: $(tail -n 1 "$run/lost")"
    elif [ -n "$interrupted" ]; then
        give_back 'its dispatcher was stopped'
    elif [ "$relay_code" -eq 1 ] && [ "$(wc -c <"$run/answer")" -lt $((answer_limit_kib * 1024)) ]; then
        failures=$((failures + 1))
        give_back "its dispatcher has no room for the answer in $work"
    elif [ "$(wc -c <"$run/answer")" -ge $((answer_limit_kib * 1024)) ]; then
        answer_failed "$VENDOR failed: its answer is larger than $((answer_limit_kib / 1024)) MiB"
    elif [ "$agent_code" -ne 0 ]; then
        answer_failed "$VENDOR failed: exit code $agent_code"
    elif ! LC_ALL=C grep -q '[^[:space:]]' "$run/answer"; then
        answer_failed "$VENDOR failed: exit code 0, but it printed no answer"
    else
        answer_completed
    fi
}

# ---- the loop ------------------------------------------------------------------------------------------------------------------

say "$OWNER waits on lane $LANE for tasks that $VENDOR may take ($CONFIG)"
failures=0 # agents that failed in a row
delay=1
while [ -z "$stop" ]; do
    if [ -z "$keeper" ] || ! kill -0 "$keeper" 2>/dev/null; then
        : >"$work/claim"
        keep &
        keeper=$!
    fi
    claim_next
    code=$?
    if [ "$code" -eq 0 ]; then
        delay=1
        if [ -n "$stop" ]; then give_back 'its dispatcher was stopped'; else handle; fi
        : >"$work/claim" # nothing in hand: nothing to renew
        rm -rf "$run"
        if [ "$ONCE" = 1 ]; then break; fi
        if [ "$failures" -gt 1 ] && [ -z "$stop" ]; then # an agent that is not logged in must not use up the whole lane
            say "$failures failures in a row: going on in $((failures < 60 ? failures : 60)) s"
            pause $((failures < 60 ? failures : 60))
        fi
    elif [ "$code" -eq 2 ]; then
        if [ "$ONCE" = 1 ] && [ -z "$stop" ]; then
            say "nothing came in $WAIT_TIMEOUT s"
            exit 2
        fi
    elif [ "$code" -eq 64 ]; then
        die 64 "claim refused these settings: $(cli_error)"
    else
        say "claim failed (exit $code), again in $delay s: $(cli_error)"
        pause "$delay"
        delay=$((delay < 32 ? delay * 2 : 60))
    fi
done
if [ -n "$stop" ]; then say "stopped"; fi
exit "${stop:-0}"
