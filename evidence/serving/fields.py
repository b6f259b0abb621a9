"""Every field of every route with values of every wrong type, and with texts that are meant to hurt.

Routes and fields are those of the description that the server gives of itself: a new route is looked at without a
line here, unless it must have a field of a new name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from holding.place import expect

from serving.house import House, unchanging

OF_TYPE: dict[str, list[Any]] = {
    "null": [None],
    "boolean": [True, False],
    "integer": [5, -1, 10**30],
    "number": [1.5, -1e300],
    "string": ["", "x", "5"],
    "array": [[], ["x"], [[]], [None]],
    "object": [{}, {"x": 1}],
}
ALSO = {"number": "integer"}  # what is taken for the other
WRONG_ITEMS = (5, None, True, [], {}, 1.5)
HURTING = (
    "\0",
    "a\0b",
    "\x1b[31m",
    "a\r\nSet-Cookie: x",
    "\ud800",
    " a",
    "../..",
    "{}",
    "%s%n",
    "x" * 300_000,
    "\u202e",
)
WRONG_NUMBERS = ("x", "", "1e999", "nan", "0x10", "1,5", "\u0663", "9" * 5000, " 1", "true")
WRONG_FLAGS = ("x", "yes", "2", "TRUE", "[]")
HURTING_TEXTS = ("%00", "a%00b", "%1b%5b31m", "%ff", "%ed%a0%80", "..%2f..", "x" * 20_000, "%0d%0aSet-Cookie:%20x")
ONE_OF: dict[str, dict[str, Any]] = {
    "/tasks": {"prompt": "x"},
    "/holds": {"vendor": "x"},
    "/dead/retry": {"all": True},
    "/dead/discard": {"all": True},
}


def good(house: House, schema: dict[str, Any], path: str = "") -> dict[str, Any]:
    """What a body must have, with values that are right. Raises KeyError at a field of a new name."""
    values = {"lane": "work", "claim_token": "0" * 32, "ids": [house.task], "tasks": [], "thread": "t"}
    return {**ONE_OF.get(path, {}), **{name: values[name] for name in schema.get("required", [])}}


def types(schema: dict[str, Any]) -> list[str]:
    """The types that a schema takes."""
    kind = schema["type"]
    found = [kind] if isinstance(kind, str) else list(kind)
    return found + [ALSO[one] for one in found if one in ALSO]


def wrong(schema: dict[str, Any]) -> Iterator[Any]:
    """Values of every type that it does not take; items, too."""
    taken = types(schema)
    for kind, values in OF_TYPE.items():
        if kind not in taken and not (kind == "number" and "integer" in taken):
            yield from values
    if "integer" in taken and "number" not in taken:
        yield 1.5
    if "enum" in schema:
        yield "none of them"
    if "array" in taken:
        item = types(schema["items"])[0]
        yield from ([one] for one in WRONG_ITEMS if not (item == "object" and one == {}))


def bodies(house: House) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every route with a body, and the schema of that."""
    for path, methods in house.routes.items():
        for method, described in methods.items():
            if method == "post" and "requestBody" in described:
                content = described["requestBody"]["content"]["application/json"]["schema"]
                yield path.replace("{id}", house.task), content


@unchanging("something that was refused has changed the store")
def wrong_types(house: House) -> None:
    """Refused with the field's name, and nothing changes."""
    tried = 0
    for path, schema in bodies(house):
        for field, taken in schema["properties"].items():
            for value in wrong(taken):
                told = house.post(path, {**good(house, schema, path), field: value})
                house.refused(told, 400, f"POST {path} {field}={str(value)[:40]}", names=field)
                tried += 1
        for body in ({**good(house, schema), "no_such_field": 1}, {**good(house, schema), "": None}):
            house.refused(house.post(path, body), 400, f"POST {path} with {body}", names="field")
    expect(tried > 500, f"only {tried} values were tried")


def hurting_texts(house: House) -> str:
    """Taken, or refused with the field's name; what is taken is text."""
    for path, schema in bodies(house):
        for field, taken in schema["properties"].items():
            for text in HURTING if "string" in types(taken) else ():
                _taken_or_named(house, path, schema, field, text)
            for depth in (17, 900) if "object" in types(taken) else ():
                _taken_or_named(house, path, schema, field, _nested(depth))
    return house.sound()


def _taken_or_named(house: House, path: str, schema: dict[str, Any], field: str, value: object) -> None:
    needed = good(house, schema, path)
    if house.task in path:
        id = house.queued("texts")
        path = path.replace(house.task, id)
        if "claim_token" in needed:
            needed["claim_token"] = house.post(f"/tasks/{id}/claim", {})[1]["claim_token"]
    status, told = house.post(path, {**needed, field: value})
    what = f"POST {path} {field}={str(value)[:40]!r}"
    of_nobody = field in ("claim_token", "task_id", "lane", "vendor", "depends_on")
    named = status < 400 or field in told["error"] or "body" in told["error"] or of_nobody
    named = named or told["code"] == "refused"  # nothing is on hold that could be resumed
    expect(status in (200, 201, 400, 404, 408) and named, f"{what}: {status} {str(told)[:300]}")


def _nested(depth: int) -> object:
    made: object = 1
    for _ in range(depth):
        made = {"x": made}
    return made


def queries(house: House) -> Iterator[tuple[str, str, dict[str, Any], str]]:
    """Every parameter of every query: the path, its name, its schema, and what else must stand there."""
    for path, methods in house.routes.items():
        for described in methods.values():
            found = [one for one in described.get("parameters", []) if one["in"] == "query"]
            for one in found:
                needed = good(house, {"required": [two["name"] for two in found if two["required"] and two != one]})
                rest = "".join(f"&{name}={quote(value)}" for name, value in needed.items())
                yield path.replace("{id}", house.task), one["name"], one["schema"], rest


@unchanging("looking has changed the store")
def wrong_queries(house: House) -> None:
    """The same of what stands in the address."""
    for path, name, schema, rest in queries(house):
        kind = schema["type"]
        values = WRONG_NUMBERS if kind in ("integer", "number") else WRONG_FLAGS if kind == "boolean" else ()
        values = ("none", "") if "enum" in schema else values
        for value in values:
            told = house.get(f"{path}?{name}={quote(value)}{rest}")
            house.refused(told, 400, f"GET {path}?{name}={value[:40]}", names=name)
        if kind != "array":
            house.refused(house.get(f"{path}?{name}=1&{name}=1{rest}"), 400, f"GET {path}: {name} twice", names=name)
        for value in HURTING_TEXTS if kind in ("string", "array") else ():
            status, told = house.get(f"{path}?{name}={value}{rest}")
            expect(status in (200, 400, 404), f"GET {path}?{name}={value[:40]}: {status} {told}")
        house.refused(house.get(f"{path}?no_such={1}{rest}"), 400, f"GET {path}?no_such", names="no_such")
