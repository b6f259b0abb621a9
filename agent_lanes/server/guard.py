"""What every request is asked before anything is done for it: by what name, from which page, with which token.

Host             on a loopback address it must be a name of loopback: a foreign name that resolves here is a trick
Origin           where a browser names one, it must be this server's: no other web page may use it
Authorization    `Bearer <token>`, except for routes and pages that tell nothing of the store
Content-Type     of a body: JSON, or not stated at all; forms that any web page can send are refused
Content-Length   of a body: there, and within the limit; chunks are refused, so that no two readers disagree
"""

from __future__ import annotations

import hmac
from urllib.parse import parse_qs, unquote, urlsplit

from agent_lanes.core.jsontext import loads_object
from agent_lanes.errors import BadData, BadUsage, Forbidden, LengthRequired, TooLarge, Unauthorized, WrongMedia
from agent_lanes.services.bodies import MAX_BODY_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent_lanes.core.jsontext import JsonObject

MAX_REQUEST_BYTES = 2 * MAX_BODY_BYTES
MOST_PARAMETERS = 100
LOOPBACK = ("127.0.0.1", "localhost", "::1")
FORM = "application/x-www-form-urlencoded"  # what `curl -d` says of JSON, unless told otherwise


class Guard:
    """The rules of one server. `token` None asks for none; `local` says that it listens on a loopback address."""

    def __init__(self, token: str | None, *, local: bool) -> None:
        self._token, self._local = token, local

    def admit(self, headers: Mapping[str, str], *, is_open: bool = False) -> None:
        """Let a request pass, by its headers (names in lower case). Raises Forbidden, Unauthorized."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._local and _name(host) not in LOOPBACK:
            raise Forbidden(f"Host: {host[:100]!r} is not this server", hint="use 127.0.0.1 or localhost")
        if origin is not None and (urlsplit(origin).netloc != host or not host):
            raise Forbidden(f"Origin: {origin[:100]!r} may not use this server")
        if self._token is None or is_open:
            return
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self._token.encode()):
            what = "Authorization: missing" if not kind else "Authorization: not the token of this server"
            raise Unauthorized(what, hint="send `Authorization: Bearer TOKEN`; serve says where the token lies")

    def length(self, headers: Mapping[str, str]) -> int:
        """How long the body is that comes along. Raises LengthRequired, TooLarge, WrongMedia."""
        length = headers.get("content-length", "")
        if "transfer-encoding" in headers or not (length.isascii() and length.isdigit()):
            raise LengthRequired("Content-Length: missing, or not one number; send the body with its length")
        if len(length) > 12 or int(length) > MAX_REQUEST_BYTES:
            raise TooLarge(f"body: more than {MAX_REQUEST_BYTES >> 20} MiB, which is the limit")
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        as_before = self._token is None and kind == FORM
        if kind and kind != "application/json" and not kind.endswith("+json") and not as_before:
            raise WrongMedia(f"Content-Type: {kind[:100]!r} is not JSON", hint="send application/json")
        return int(length)


def endless(method: str, headers: Mapping[str, str]) -> bool:
    """Whether nobody knows where the body ends, or it is too long to be passed over once it is refused."""
    length = headers.get("content-length", "" if method == "POST" else "0")
    known = length.isascii() and length.isdigit() and len(length) <= 12
    return "transfer-encoding" in headers or not known or int(length) > MAX_REQUEST_BYTES


def address(target: str) -> tuple[tuple[str, ...], dict[str, list[str]]]:
    """The parts of a path and the query, decoded. Raises BadUsage."""
    try:
        path, _, query = target.partition("?")
        parts = tuple(unquote(part, errors="strict") for part in path.strip("/").split("/"))
        found = parse_qs(query, keep_blank_values=True, max_num_fields=MOST_PARAMETERS, errors="strict")
    except ValueError:
        raise BadUsage("the address of this request is malformed") from None
    return parts, found


def parsed(raw: bytes) -> JsonObject:
    """The object of a body; an empty body is an empty one. Raises BadData."""
    try:
        return loads_object(raw.decode()) if raw.strip() else {}
    except ValueError as wrong:
        raise BadData(f"body: {wrong}", hint="send a JSON object") from None


def _name(host: str) -> str:
    try:
        return urlsplit("//" + host).hostname or ""
    except ValueError:
        return ""


def headers_of(status: int) -> list[tuple[str, str]]:
    """The headers that every answer of a route has."""
    found = [("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store")]
    return found + ([("WWW-Authenticate", "Bearer")] if status == Unauthorized.http_status else [])
