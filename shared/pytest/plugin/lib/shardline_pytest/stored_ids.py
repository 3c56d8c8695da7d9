"""Gives a file that is collected again in the same process the test ids of its first collection.

pytest stores the ids that `ids` of a parametrize mark gave, in escaped form, and escapes them again whenever it reuses the mark. An id with
a line break or a non-ASCII letter would thus change with the second collection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    import pytest

ESCAPE = "\\"


class StoredIds:
    """Makes pytest form the ids of a mark again when the file that stored them is collected again, and only then.

    A mark that two files share keeps, for the second file, the ids that it has there.
    """

    def __init__(self) -> None:
        # By id(), because a mark with a list in its arguments has no hash. The marks stay in memory, so no id() is used twice.
        self.known: dict[int, Any] = {}
        self.files: dict[str, list[Any]] = {}

    def forget(self, file: str) -> None:
        """Called before the file is collected."""
        for mark in self.files.get(file, ()):
            object.__setattr__(mark, "_param_ids_generated", None)

    def remember(self, file: str, items: Iterable[pytest.Item]) -> None:
        """Called with what the file gave."""
        for item in items:
            for mark in item.iter_markers("parametrize"):
                origin: Any = getattr(mark, "_param_ids_from", None)
                if origin is None or id(origin) in self.known:
                    continue
                self.known[id(origin)] = origin
                if can_form_again(origin):
                    self.files.setdefault(file, []).append(origin)


def can_form_again(mark: Any) -> bool:
    """Did pytest escape any of the ids, and does `ids` give them a second time? A generator does not."""
    generated = getattr(mark, "_param_ids_generated", None) or ()
    if not any(isinstance(each, str) and ESCAPE in each for each in generated):
        return False
    ids = mark.kwargs.get("ids")
    return callable(ids) or hasattr(ids, "__len__")
