#!/usr/bin/env bash
# claude.sh: takes this pool's tasks for claude and runs each with a fresh `claude -p`.
# The environment is that of dispatcher.sh beside it, for example: LANE=review bash claude.sh
set -u
if [ -z "${QUEUE_ROOT:-}" ]; then
    QUEUE_ROOT=@QUEUE_ROOT@
    if [ -z "${CONFIG:-}" ]; then CONFIG=@CONFIG@; fi
fi
export QUEUE_ROOT CONFIG VENDOR=claude
here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd) || exit 1
exec bash "$here/dispatcher.sh" "$@"
