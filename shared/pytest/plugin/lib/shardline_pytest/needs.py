"""What tests need of the fleet, by their marks: labels of the agent (`requires`), and units of a shared resource (`resource`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from .messages import Grants, TestNeeds

REQUIRES = "requires"
RESOURCE = "resource"
LONGEST_NAME = 200


class BadMark(Exception):
    """A mark that names no label or resource."""


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


def arguments_of(mark: pytest.Mark) -> tuple[object, ...]:
    if mark.kwargs or not mark.args:
        raise BadMark(f'pytest.mark.{REQUIRES} needs labels as its arguments, as in pytest.mark.{REQUIRES}("gpu")')
    return mark.args


def label_of(argument: object) -> str:
    if not is_name(argument):
        raise BadMark(f"pytest.mark.{REQUIRES}({argument!r}): a label is a text of 1 to {LONGEST_NAME} characters")
    return str(argument)


def resource_of(mark: pytest.Mark) -> tuple[str, int]:
    """The name and the units of a resource mark."""
    units = mark.kwargs.get("n", 1)
    is_whole = isinstance(units, int) and not isinstance(units, bool) and units > 0
    if len(mark.args) != 1 or not is_name(mark.args[0]) or set(mark.kwargs) - {"n"} or not is_whole:
        raise BadMark(f'pytest.mark.{RESOURCE} needs a name and a positive number n, as in pytest.mark.{RESOURCE}("payments-sandbox", n=1)')
    return str(mark.args[0]), int(units)


def is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME
