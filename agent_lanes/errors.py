"""Every error that agent-lanes raises on purpose, with its exit code and HTTP status.

    AgentLanesError            1   500   failed
    ├── TimedOut               2   408   timeout            nothing lost, call again
    ├── Refused                4   400   refused            state, token, lost race
    │   ├── LostClaim          4   400   lost_claim         this token no longer holds the task
    │   ├── AlreadyAnswered    4   400   already_answered   a task gets exactly one answer
    │   ├── RequestChanged     4   400   request_changed    the request is not what was submitted
    │   └── Cancelled          9   400   cancelled          the task was cancelled: its holder stops
    ├── NotFound               5   404   not_found
    ├── NotAllowed             6   400   not_allowed        permissions, paths that escape
    │   ├── Forbidden          6   403   forbidden          a Host or an Origin that may not use this server
    │   └── Unauthorized       6   401   unauthorized       no token, or another
    ├── TaskFailed             8   200   task_failed        the awaited task failed
    ├── TaskCancelled          9   200   task_cancelled     the awaited task was cancelled
    ├── BadUsage              64   400   usage              a flag or argument of this call
    │   ├── WrongMethod       64   405   wrong_method       over HTTP: a route that knows other methods
    │   ├── LengthRequired    64   411   length_required    over HTTP: a body without Content-Length
    │   └── WrongMedia        64   415   wrong_media        over HTTP: a body that is not said to be JSON
    ├── BadData               65   400   bad_data           the content of a file or body
    │   ├── TooLarge          65   413   too_large          over HTTP: a body beyond the limit
    │   └── Damaged           65   500   damaged            a record of the store cannot be read
    │       └── Withheld       6   500   withheld           this user may not read it
    ├── StorageFailed         74   500   io_error           I/O, disk full
    ├── Busy                  75   503   busy               try again
    │   ├── TooMany           75   429   too_many           over HTTP: more at once than the server takes
    │   └── StoreBusy         75   503   busy               all of the store: it is being upgraded or repaired
    ├── Unconfirmed           76   500   unconfirmed        done, but not confirmed
    └── Interrupted          130   500   interrupted

A message answers what and why in one line; `hint` says what to do next. Exit codes and their meaning are
CONTRACT.md, "Exit codes"; the HTTP column keeps v0.1's 400 and 404.
"""

from __future__ import annotations


class AgentLanesError(Exception):
    """Root of the tree. `str(error)` is one line; `hint` is what to do next, or empty."""

    code = "failed"
    exit_code = 1
    http_status = 500
    retryable = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class TimedOut(AgentLanesError):
    """The wait ran out. Nothing is lost; the same call goes on waiting."""

    code, exit_code, http_status, retryable = "timeout", 2, 408, True


class Refused(AgentLanesError):
    """The task's state does not allow this."""

    code, exit_code, http_status = "refused", 4, 400


class LostClaim(Refused):
    """The token given does not hold the task (any more)."""

    code = "lost_claim"


class AlreadyAnswered(Refused):
    """The task has its one answer; another is never accepted."""

    code = "already_answered"


class RequestChanged(Refused):
    """The request file is not what it was when the task was submitted."""

    code = "request_changed"


class Cancelled(Refused):
    """Who holds the task learns that it was cancelled: stop work on it."""

    code, exit_code = "cancelled", 9


class NotFound(AgentLanesError):
    """No such task, config, store or file."""

    code, exit_code, http_status = "not_found", 5, 404


class NotAllowed(AgentLanesError):
    """Permissions, or a path that leaves the place it must stay in."""

    code, exit_code, http_status = "not_allowed", 6, 400


class Forbidden(NotAllowed):
    """Who asks over HTTP may not: a Host or an Origin that is not this server's."""

    code, http_status = "forbidden", 403


class Unauthorized(NotAllowed):
    """Who asks over HTTP has not shown the token of this server."""

    code, http_status = "unauthorized", 401


class TaskFailed(AgentLanesError):
    """The awaited task was answered with status failed."""

    code, exit_code, http_status = "task_failed", 8, 200


class TaskCancelled(AgentLanesError):
    """The awaited task was cancelled."""

    code, exit_code, http_status = "task_cancelled", 9, 200


class BadUsage(AgentLanesError):
    """A flag, an argument or a parameter of this call is wrong."""

    code, exit_code, http_status = "usage", 64, 400


class WrongMethod(BadUsage):
    """A route over HTTP that knows other methods: those `allowed`."""

    code, http_status = "wrong_method", 405

    def __init__(self, message: str, *, allowed: str) -> None:
        super().__init__(message, hint=f"allowed: {allowed}")
        self.allowed = allowed


class LengthRequired(BadUsage):
    """A body over HTTP without a Content-Length."""

    code, http_status = "length_required", 411


class WrongMedia(BadUsage):
    """A body over HTTP that is not said to be JSON."""

    code, http_status = "wrong_media", 415


class BadData(AgentLanesError):
    """The content of a file or of a body is wrong."""

    code, exit_code, http_status = "bad_data", 65, 400


class TooLarge(BadData):
    """A body over HTTP that is beyond the limit."""

    code, http_status = "too_large", 413


class Damaged(BadData):
    """A record of the store cannot be read; every other task goes on."""

    code, http_status = "damaged", 500


class Withheld(Damaged):
    """A record of the store that this user may not read; every other task goes on."""

    code, exit_code = "withheld", 6


class StorageFailed(AgentLanesError):
    """The operating system refused a file operation, or the disk is full."""

    code, exit_code = "io_error", 74


class Busy(AgentLanesError):
    """Somebody else holds what this call needs; try again."""

    code, exit_code, http_status, retryable = "busy", 75, 503, True


class TooMany(Busy):
    """More at once over HTTP than the server takes."""

    code, http_status = "too_many", 429


class StoreBusy(Busy):
    """Nobody can change anything right now: not this task is in other hands, but the whole store."""


class Unconfirmed(AgentLanesError):
    """The change took place but could not be confirmed; the message says how to confirm it."""

    code, exit_code, retryable = "unconfirmed", 76, True


class Interrupted(AgentLanesError):
    """Ctrl-C; nothing is lost."""

    code, exit_code, retryable = "interrupted", 130, True


def install(extra: str) -> str:
    """The command that installs an extra of this package."""
    return f"pip install 'agent-lanes[{extra}]'"


def missing(what: str, package: str, extra: str) -> AgentLanesError:
    """`what` needs a package that is not installed, of an extra."""
    return AgentLanesError(f"{what}: {package} is not installed", hint=install(extra))


READ_ONLY = 30  # EROFS, on Linux, the BSDs and macOS alike


def denied(wrong: OSError) -> bool:
    """Whether the system refused because of permissions: an owner, a mode, a read-only file system."""
    return isinstance(wrong, PermissionError) or wrong.errno == READ_ONLY


def of_system(line: str, wrong: OSError, *, hint: str = "") -> AgentLanesError:
    """What the operating system refused, as one line: NotAllowed where it was a question of permissions."""
    if denied(wrong):
        return NotAllowed(line, hint=hint or "check who owns it, its mode, and whether its file system is read-only")
    return StorageFailed(line, hint=hint)
