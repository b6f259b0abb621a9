#!/usr/bin/env bash
# codex.sh: takes this pool's tasks for codex and runs each with a fresh `codex exec`.
# The environment is that of dispatcher.sh beside it, for example: LANE=review bash codex.sh
set -u
if [ -z "${QUEUE_ROOT:-}" ]; then
    QUEUE_ROOT=@QUEUE_ROOT@
    if [ -z "${CONFIG:-}" ]; then CONFIG=@CONFIG@; fi
fi
export QUEUE_ROOT CONFIG VENDOR=codex
here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd) || exit 1
exec bash "$here/dispatcher.sh" "$@"
