"""Filters on metadata: `--match key=value`, all of which must hold."""

from __future__ import annotations

from agent_lanes.core.names import ANY_VENDOR
from agent_lanes.core.names import vendor as checked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent_lanes.core.jsontext import JsonObject


def matches(metadata: JsonObject, wanted: dict[str, str]) -> bool:
    """Whether every wanted key has that value; a list matches by any of its items."""
    return all(value in texts(metadata.get(key)) for key, value in wanted.items())


def routes_for(vendor: str | None) -> tuple[str, ...] | None:
    """The routes that a dispatcher of a vendor reads: its own and `any`; None, which is all, for no vendor.

    Raises BadUsage where the vendor is no name.
    """
    return None if vendor is None or checked(vendor) == ANY_VENDOR else (vendor, ANY_VENDOR)


def texts(value: object) -> tuple[str, ...]:
    """A value of metadata as the texts that it is compared by."""
    if isinstance(value, list):
        return tuple(text for item in value for text in texts(item))
    if isinstance(value, bool):
        return ("true" if value else "false",)
    return () if value is None else (str(value),)
