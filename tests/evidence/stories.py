"""Histories from which others are made: plain ones, and what turns one into another."""

from __future__ import annotations

from collections.abc import Callable

from evidence.story import SECOND, Story


def plain() -> Story:
    return Story().submit().claim().respond().wait()


def plain_until_answer() -> Story:
    return Story().submit().claim()


def lapsed() -> Story:
    """The first holder's lease has run out, and another has the task."""
    return Story().submit().claim(1).later(10).claim(2)


def without_line(story: Story, index: int) -> Story:
    events = story.record.events
    del events[index]
    events[:] = [event.replace(number=number) for number, event in enumerate(events, 1)]
    return story


def changed(change: Callable[[Story], object], story: Callable[[], Story] = plain) -> Callable[[], Story]:
    def made() -> Story:
        one = story()
        change(one)
        return one

    return made


def joined(story: Story, other: Story, begin: float) -> Story:
    """Both in one, the second with another name, as many seconds later."""
    for one in other.operations:
        one.begin, one.end = one.begin + round(begin * SECOND), one.end + round(begin * SECOND)
        one.values |= {"id": "b"} | ({"prompt": "other"} if one.f == "submit" else {})
    other.record.id, other.record.prompt = "b", "other"
    story.operations += other.operations
    story.records["b"] = other.record
    return story


def again(story: Story, f: str, **values: object) -> Story:
    """The same once more, confirmed: no line tells of it."""
    story.did(f, client="bob", **values)
    return story
