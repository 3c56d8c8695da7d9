"""What tests need of the fleet, by their marks: labels of the agent (`requires`), and units of a shared resource (`resource`)."""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from .messages import Grants, TestNeeds

REQUIRES = "requires"
RESOURCE = "resource"
# The limits of every message that carries needs: see NEEDS_LIMITS in shared/domain/needs.ts. A longer one would not be read.
LONGEST_NAME = 200
MOST_NAMES = 50
MOST_UNITS = 1_000_000


class BadMark(Exception):
    """A mark that names no label or resource, or is beyond the limits."""


class Needs:
    """The labels and the units of each resource that one test needs."""

    def __init__(self, item: pytest.Item) -> None:
        self.labels: set[str] = set()
        self.resources: dict[str, int] = {}
        for mark in item.iter_markers(REQUIRES):
            self.labels.update(label_of(argument) for argument in arguments_of(mark))
        # The closest mark comes first and counts.
        for mark in item.iter_markers(RESOURCE):
            name, units = resource_of(mark)
            self.resources.setdefault(name, units)
        check_count(REQUIRES, "labels", len(self.labels))
        check_count(RESOURCE, "resources", len(self.resources))

    def __bool__(self) -> bool:
        return bool(self.labels or self.resources)

    def are_met(self, grants: Grants | None) -> bool:
        """May a task with these grants run the test? A task without grants runs every test."""
        if grants is None:
            return True
        held = grants["resources"]
        return self.labels.issubset(grants["labels"]) and all(held.get(name, 0) >= units for name, units in self.resources.items())

    def message(self, key: str) -> TestNeeds:
        return {"nodeid": key, "labels": sorted(self.labels), "resources": dict(sorted(self.resources.items()))}


def check_count(mark: str, what: str, count: int) -> None:
    if count > MOST_NAMES:
        raise BadMark(f"pytest.mark.{mark}: a test needs at most {MOST_NAMES} {what}, and this one needs {count}")


def arguments_of(mark: pytest.Mark) -> tuple[object, ...]:
    if mark.kwargs or not mark.args:
        raise BadMark(f'pytest.mark.{REQUIRES} needs labels as its arguments, as in pytest.mark.{REQUIRES}("gpu")')
    return mark.args


def label_of(argument: object) -> str:
    if not is_name(argument):
        raise BadMark(f"pytest.mark.{REQUIRES}({reprlib.repr(argument)}): a label is a text of 1 to {LONGEST_NAME} characters")
    return str(argument)


def resource_of(mark: pytest.Mark) -> tuple[str, int]:
    """The name and the units of a resource mark."""
    units = mark.kwargs.get("n", 1)
    is_whole = isinstance(units, int) and not isinstance(units, bool) and units > 0
    if len(mark.args) != 1 or not is_name(mark.args[0]) or set(mark.kwargs) - {"n"} or not is_whole:
        raise BadMark(
            f"pytest.mark.{RESOURCE} needs a name of 1 to {LONGEST_NAME} characters and a positive number n, "
            f'as in pytest.mark.{RESOURCE}("payments-sandbox", n=1)'
        )
    name = str(mark.args[0])
    if units > MOST_UNITS:
        raise BadMark(f'pytest.mark.{RESOURCE}("{name}"): n is more than {MOST_UNITS}. Count in larger units')
    return name, int(units)


def is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < utf16_units(value) <= LONGEST_NAME


def utf16_units(text: str) -> int:
    """The length of the text as the coordinator counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
