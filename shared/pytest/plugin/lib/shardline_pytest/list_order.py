"""In which order the tests of a list may run: freely by file, in the order of the list, or in that order in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .streamability import is_shuffled

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest


FREE, LISTED, STRICT = "free", "listed", "strict"
# pytest's own options that only change which tests come first.
FIRST_OPTIONS = {"failedfirst": "--ff", "newfirst": "--nf"}
# pytest-dependency looks for what a test depends on in the results of these scopes, beyond its own file.
WIDE_SCOPES = ("package", "session")


class ListOrder:
    """`kind` is one of the three; `why` says, where it is not free, what asks for it."""

    def __init__(self, kind: str, why: str | None = None) -> None:
        self.kind = kind
        self.why = why


def order_of(config: pytest.Config, before: list[pytest.Item], after: list[pytest.Item]) -> ListOrder:
    """The order of the list `after` the hooks that saw it as `before`."""
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
    """Are these the same objects in the same order, some perhaps left out?"""
    rest = iter(others)
    return all(any(each is item for each in rest) for item in items)


def reordered_by_pytest(items: list[pytest.Item]) -> list[pytest.Item]:
    """The order that pytest gives them by itself, by the parameters of their fixtures."""
    try:
        from _pytest.fixtures import reorder_items

        return list(reorder_items(items))
    except Exception:
        return items  # unknown: the list then counts as reordered, which is slower and never wrong


def dependency_over_files(items: Iterable[pytest.Item]) -> str | None:
    """Which mark of pytest-dependency makes a test depend on one of another file; None where none does."""
    for item in items:
        for mark in item.iter_markers("dependency"):
            if mark.kwargs.get("depends") and mark.kwargs.get("scope") in WIDE_SCOPES:
                return f"{item.nodeid} depends on tests of other files"
    return None


def bound_files(items: Iterable[pytest.Item], files: list[str]) -> list[str]:
    """Files whose tests depend on each other, so that each of them must stay whole."""
    return sorted({file for item, file in zip(items, files) if item.get_closest_marker("dependency") is not None})
