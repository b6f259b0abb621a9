"""A base for immutable values.

    class Point(Frozen):
        x: int
        y: int = 0

A frozen dataclass would do, but importing `dataclasses` costs a command as much start-up as Python itself
(it imports inspect). This base reads the annotations and does the same for the little that records need.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self, dataclass_transform
else:

    def dataclass_transform(**_options):
        """At run time a decorator that does nothing; type checkers see the real one."""
        return lambda cls: cls


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Frozen:
    """Fields are the class's annotations, given by keyword, in order of definition; equality is by value."""

    if TYPE_CHECKING:
        _fields: tuple[str, ...]
        _names: frozenset[str]
        _defaults: dict[str, Any]

    def __init_subclass__(cls) -> None:
        """Collect the fields and their defaults once, when the class is made."""
        cls._fields = (*getattr(cls, "_fields", ()), *cls.__annotations__)
        cls._names = frozenset(cls._fields)
        cls._defaults = {name: getattr(cls, name) for name in cls._fields if hasattr(cls, name)}

    if not TYPE_CHECKING:

        def __init__(self, **values):
            own = self.__dict__
            own.update(self._defaults)
            own.update(values)
            if own.keys() != self._names:
                missing = ", ".join(name for name in self._fields if name not in own)
                raise TypeError(
                    f"{type(self).__name__} needs {missing}"
                    if missing
                    else f"{type(self).__name__} has no {', '.join(own.keys() - self._names)}"
                )

        def __setattr__(self, name, value):
            raise AttributeError(f"{type(self).__name__} is immutable")

    def replace(self, **changes: Any) -> Self:
        """A copy in which the fields named differ."""
        if not self._names.issuperset(changes):
            return type(self)(**{**self.__dict__, **changes})  # raises TypeError
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__, **changes)
        return copy

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]  # a metadata field is a dict

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields)
        return f"{type(self).__name__}({shown})"
