"""The token that clients show: made at the first start, kept in the state folder for this user alone."""

from __future__ import annotations

import os
import secrets
import stat

from agent_lanes.errors import BadData, NotAllowed, NotFound, of_system
from agent_lanes.newborn import Newborn

NAME = "serve.token"
LONGEST_BYTES = 4096
LOOK_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


def made_once(path: str) -> str:
    """The token of a file, which is made where there is none; of two that make it, one wins. Raises as `read` does."""
    if not os.path.lexists(path):
        folder = os.path.dirname(path)
        try:
            with Newborn(folder) as born:
                born.write(secrets.token_urlsafe(32).encode() + b"\n", durable=True)
                os.link(born.path, path)
        except FileExistsError:
            pass
        except OSError as wrong:
            raise of_system(f"cannot make the token {path}: {wrong.strerror}", wrong) from wrong
    return read(path)


def read(path: str) -> str:
    """The token of a file. Raises NotFound, BadData; NotAllowed where others than its owner may read it."""
    try:
        descriptor = os.open(path, LOOK_FLAGS)
        try:
            status, raw = os.fstat(descriptor), os.read(descriptor, LONGEST_BYTES + 1)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise NotFound(f"there is no token file {path}") from None
    except OSError as wrong:
        raise of_system(f"cannot read the token {path}: {wrong.strerror}", wrong) from wrong
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise NotAllowed(f"others may read the token {path}", hint=f"chmod 600 {path}")
    return checked(f"the token file {path}", raw.decode("utf-8", "replace").strip())


def checked(where: str, token: str) -> str:
    """A token that fits into a header and cannot be guessed at once. Raises BadData."""
    if not (16 <= len(token) <= LONGEST_BYTES and token.isascii() and token.isprintable() and " " not in token):
        raise BadData(f"{where} holds no token: 16 or more letters, digits and signs, on one line")
    return token
