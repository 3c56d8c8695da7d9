"""The order in which the tests of a list may run: freely by file, in the order of the list, or in that order in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .streamability import is_shuffled

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

FREE, LISTED, STRICT = "free", "listed", "strict"
# pytest's options that only change which tests run first.
FIRST_OPTIONS = {"failedfirst": "--ff", "newfirst": "--nf"}
# In these scopes, pytest-dependency looks for results beyond the test's own file.
WIDE_SCOPES = ("package", "session")


class ListOrder:
    """`kind` is FREE, LISTED or STRICT; `why` names what requires it, and is None for FREE."""

    def __init__(self, kind: str, why: str | None = None) -> None:
        self.kind = kind
        self.why = why


def order_of(config: pytest.Config, before: list[pytest.Item], after: list[pytest.Item]) -> ListOrder:
    """The order of the list `after`, which the hooks made from `before`."""
    why = dependency_over_files(after)
    if why is not None:
        return ListOrder(STRICT, why)
    if config.getoption("stepwise", False):
        return ListOrder(STRICT, "--stepwise stops at the first failure")
    if is_subsequence(after, before) or is_subsequence(after, reordered_by_pytest(before)):
        return ListOrder(FREE)
    shuffled = is_shuffled(config)
    if shuffled is not None:
        return ListOrder(LISTED, shuffled)
    for name, option in FIRST_OPTIONS.items():
        if config.getoption(name, False):
            return ListOrder(LISTED, f"pytest puts some tests first ({option})")
    return ListOrder(STRICT, "a hook or plugin changes the order of the tests or repeats some")


def is_subsequence(items: Iterable[pytest.Item], others: Iterable[pytest.Item]) -> bool:
    """Are these the same objects in the same order, possibly without some?"""
    rest = iter(others)
    return all(any(each is item for each in rest) for item in items)


def reordered_by_pytest(items: list[pytest.Item]) -> list[pytest.Item]:
    """The order that pytest itself makes, by the parameters of fixtures."""
    try:
        from _pytest.fixtures import reorder_items

        return list(reorder_items(items))
    except Exception:
        return items  # unknown: the list counts as reordered, which is slower but correct


def dependency_over_files(items: Iterable[pytest.Item]) -> str | None:
    """The pytest-dependency mark that makes a test depend on another file, in words; None without any."""
    for item in items:
        for mark in item.iter_markers("dependency"):
            if mark.kwargs.get("depends") and mark.kwargs.get("scope") in WIDE_SCOPES:
                return f"{item.nodeid} depends on tests of other files"
    return None


def bound_files(items: Iterable[pytest.Item], files: list[str]) -> list[str]:
    """Files whose tests depend on each other. Each must run as a whole."""
    return sorted({file for item, file in zip(items, files) if item.get_closest_marker("dependency") is not None})
