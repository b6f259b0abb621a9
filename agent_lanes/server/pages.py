"""The files of the web page, `web/`, as they are served: read once, from a list made at start, so no path leads out.

They hold nothing of the store and need no token: the page gets that in the fragment of its address, which no browser
sends, and shows it with each request. A strict policy lets it load and call this server alone.
"""

from __future__ import annotations

import os

from agent_lanes.core import names
from agent_lanes.errors import WrongMethod
from agent_lanes.server.route import Reply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.server.route import Request

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "web")
INDEX = "index.html"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = (
    ("Content-Security-Policy", POLICY),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


class Pages:
    """`/` is web/index.html, `/web/<path>` every file of it; nothing where there is no such folder."""

    def __init__(self, folder: str = FOLDER) -> None:
        self._pages = dict(_found(folder))

    def has(self, request: Request) -> bool:
        """Whether it is for one of them."""
        return request.method in ("GET", "HEAD") and request.parts in self._pages

    def answer(self, request: Request) -> Reply | None:
        """The page, if it is one. Raises WrongMethod."""
        if request.parts in self._pages and not self.has(request):
            raise WrongMethod(f"{names.shown(request.method)} is no method of a page", allowed="GET, HEAD")
        return self._pages.get(request.parts)


def _found(folder: str) -> list[tuple[tuple[str, ...], Reply]]:
    pages = []
    for here, _, files in os.walk(folder):
        for name in files:
            kind = TYPES.get(os.path.splitext(name)[1])
            if kind is None:
                continue
            path = os.path.join(here, name)
            with open(path, encoding="utf-8", newline="") as file:
                page = Reply(text=file.read(), content_type=kind, headers=HEADERS)
            parts = tuple(os.path.relpath(path, folder).split(os.sep))
            pages += [(("web", *parts), page)] + ([(("",), page)] if parts == (INDEX,) else [])
    return pages
