"""One row of the table as a value, and the command that it makes for a task."""

from __future__ import annotations

import re

from agent_lanes.core.frozen import Frozen
from agent_lanes.core.names import shown
from agent_lanes.dispatch.git_folders import git_folders
from agent_lanes.dispatch.reading import Condition, Reading
from agent_lanes.errors import BadData

SLOT = "{}"
SAFE = "safe"
# What may stand in for {}: no option, nothing that a shell or a settings file would read, no surprises in a log.
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+\[\]-]{0,199}")


class Choice(Frozen):
    """Words that choose a model or an effort; `names`: what the words of tasks mean here; `default`: without any."""

    words: tuple[str, ...] = ()
    names: dict[str, str] = {}
    default: str = ""


class Signs(Frozen):
    """How to tell one kind of failure: by exit code, by HTTP status, by the error's text, by an answer that is none."""

    codes: tuple[int, ...] = ()
    status: tuple[int, ...] = ()
    text: tuple[str, ...] = ()
    answer: tuple[str, ...] = ()


class Retries(Frozen):
    """A line on stderr that says that it tries again, its first group why; how long it may say nothing else."""

    match: str = ""
    seconds: float = 300.0


class Reads(Frozen):
    """How to read what it prints."""

    format: str = "text"
    answer: Reading | None = None
    error: tuple[Reading, ...] = ()
    status: Reading | None = None
    session_id: Reading | None = None
    model_used: Reading | None = None
    effort_used: Reading | None = None
    denied: Reading | None = None
    tokens_in: Reading | None = None
    tokens_out: Reading | None = None
    cost_usd: Reading | None = None
    reset_at: Reading | None = None
    complete: tuple[Condition, ...] = ()
    drop: tuple[str, ...] = ()


class Verified(Frozen):
    """With which version the row was tried, when and how; `version` is empty where nobody did."""

    version: str = ""
    date: str = ""
    how: str = ""


class Invocation(Frozen):
    """How to start an agent. `environment` goes over that of the caller; `model`, `effort`: what it is asked for."""

    argv: tuple[str, ...]
    environment: dict[str, str]
    prompt_on_stdin: bool = True
    warnings: tuple[str, ...] = ()
    answer_path: str | None = None
    model: str = ""
    effort: str = ""


class Vendor(Frozen):
    """One row of the table; vendors.yaml says what each field is."""

    name: str
    program: str
    install: str = ""
    login: str = ""
    version: tuple[str, ...] = ("--version",)
    words: tuple[str, ...] = ()
    permission: str = SAFE
    permissions: dict[str, tuple[str, ...]] = {}
    model: Choice = Choice()
    effort: Choice = Choice()
    session: tuple[str, ...] = ()
    max_cost: tuple[str, ...] = ()
    answer_file: tuple[str, ...] = ()
    git_folder: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    guard: str = ""
    environment: dict[str, str] = {}
    reads: Reads = Reads()
    retries: Retries = Retries()
    usage_limit: Signs = Signs()
    not_logged_in: Signs = Signs()
    incomplete: Signs = Signs()
    permanent: Signs = Signs()
    verified: Verified = Verified()

    def running(self, command: tuple[str, ...]) -> Vendor:
        """This row with another command line, whose words are taken as they are: how `command` gets its program."""
        return self.replace(program=command[0], words=command[1:])

    def guarded(self, prompt: bytes) -> bytes:
        """The prompt as it may be given: one that begins with `/` would be taken for a command of the program's own."""
        return self.guard.encode() + prompt if prompt.startswith(b"/") else prompt

    def command(
        self,
        *,
        folder: str,
        model_class: str | None = None,
        effort: str | None = None,
        session_id: str | None = None,
        max_cost_usd: float | None = None,
        answer_path: str | None = None,
    ) -> Invocation:
        """The command for one task, to be run in `folder` (absolute), with the prompt on stdin.

        What the agent has no words for is left out, with a warning where a task asked for it. A value that could be
        taken for something else than a name raises BadData.
        """
        if not self.program:
            raise BadData(
                f"vendor {self.name}: no program is known", hint="name it: vendors: {" + self.name + ": {program: ...}}"
            )
        warnings: list[str] = []
        model = self._chosen("model_class", self.model, model_class, warnings)
        strength = self._chosen("effort", self.effort, effort, warnings)
        if max_cost_usd is not None and not self.max_cost:
            warnings.append(f"{self.name} takes no ceiling for cost: max_cost_usd {max_cost_usd:g} was not passed on")
        argv = [
            self.program,
            *self.words,
            *self.permissions.get(self.permission, ()),
            *_filled(self.model.words, model),
            *_filled(self.effort.words, strength),
            *_filled(self.session, _plain("session_id", session_id or "")),
            *_filled(self.max_cost, "" if max_cost_usd is None else f"{max_cost_usd:.6f}".rstrip("0").rstrip(".")),
            *_filled(self.answer_file, answer_path or ""),
        ]
        if self.git_folder:
            argv += [word for path in git_folders(folder) for word in _filled(self.git_folder, path)]
        return Invocation(
            argv=(*argv, *self.extra, *self.last),
            environment=self.environment,
            warnings=tuple(warnings),
            answer_path=answer_path if self.answer_file else None,
            model=model if self.model.words else "",
            effort=strength if self.effort.words else "",
        )

    def _chosen(self, what: str, choice: Choice, wanted: str | None, warnings: list[str]) -> str:
        """What to say for a word of a task."""
        if not wanted:
            return choice.default
        if not choice.words:
            warnings.append(f"{self.name} takes no {what}: {wanted} was not passed on")
            return ""
        if wanted in choice.names:
            if not choice.names[wanted]:
                warnings.append(f"{what}: {wanted} means nothing to {self.name}; what it is set to is used")
            return choice.names[wanted] or choice.default
        value = _plain(what, wanted)
        warnings.append(f"{what}: {wanted} is not known for {self.name}; it was passed on as it is")
        return value


def _plain(what: str, value: str) -> str:
    if value and not PLAIN.fullmatch(value):
        raise BadData(
            f"{what}: {shown(value)} is not a name: letters, digits and ._:/@+[]-, beginning with a letter or digit"
        )
    return value


def _filled(words: tuple[str, ...], value: str) -> list[str]:
    return [word.replace(SLOT, value) for word in words] if value else []
