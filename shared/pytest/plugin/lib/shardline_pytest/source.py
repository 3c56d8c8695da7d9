"""The interface through which the task loop gets tests, for type checkers only: nothing imports this module while pytest runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pytest

    from .batch import Batch
    from .messages import RunMessage
    from .task import Task


class Source(Protocol):
    """FileSource collects file by file, SuiteSource the whole list. A portion is what the source collects at once for a task."""

    def watch_reads(self) -> None:
        """From now on tests run: report code of the suite that reads the list of items."""

    def begin(self) -> None:
        """The collection is over and the loop begins."""

    def portions(self, message: RunMessage) -> list[Any]:
        """The portions of a task, in order."""

    # Could this process not collect the last portion as it did before? Then another process has to run the rest of the task.
    is_spent: bool

    def batch(self, portion: Any, task: int) -> Batch:
        """Collects a portion for the task of this number."""

    def upcoming(self, task: Task) -> pytest.Item | None:
        """The item behind the last collected one of the task; None if there is none."""

    def put_off_item(self, rank: int) -> pytest.Item | None:
        """A test that runs after all others, for pytest to see behind the item at `rank`."""
