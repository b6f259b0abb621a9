#!/usr/bin/env bash
# gemini.sh: takes this pool's tasks for gemini and runs each with a fresh `gemini`.
# The environment is that of dispatcher.sh beside it, for example: LANE=review bash gemini.sh
set -u
if [ -z "${QUEUE_ROOT:-}" ]; then
    QUEUE_ROOT=@QUEUE_ROOT@
    if [ -z "${CONFIG:-}" ]; then CONFIG=@CONFIG@; fi
fi
export QUEUE_ROOT CONFIG VENDOR=gemini
here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd) || exit 1
exec bash "$here/dispatcher.sh" "$@"
