"""The tests that a task collects at once, and the messages to send about them once this worker owns the task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .channel import cap, clean, now_ms

if TYPE_CHECKING:
    import pytest

    from .messages import CollectError

    # An item, its key, and its index in `listed`.
    Test = tuple[pytest.Item, str, int]

MESSAGE_BYTES = 100_000


class Batch:
    """Items that are collected together: those of one file, or all that a task selects from the whole list."""

    def __init__(self) -> None:
        self.entries: list[Test] = []
        # The content of session.items while they run.
        self.listed: list[pytest.Item] = []
        self.messages: list[tuple[str, dict[str, object]]] = []
        self.errors: dict[str, list[CollectError]] = {}

    def announce(self, kind: str, **fields: object) -> None:
        """Adds a message to send."""
        self.messages.append((kind, fields))

    def fail(self, file: str, message: str, nodeid: str | None = None) -> None:
        """Adds an error: the file, or the node `nodeid` in it, could not be collected.

        All errors of one file share one message.
        """
        errors = self.errors.get(file)
        if errors is None:
            errors = self.errors[file] = []
            self.announce("collect-failed", file=clean(file), errors=errors)
        # Two selectors of one task may name the same file.
        place = clean(nodeid or file)
        if all(error["nodeid"] != place for error in errors):
            # Each further error keeps less text, so that the message stays small.
            errors.append({"nodeid": place, "message": cap(message, MESSAGE_BYTES // (len(errors) + 1))})


def skip_message(nodeid: str, report: pytest.CollectReport) -> dict[str, object]:
    """The fields of `test-finished` for a module that skipped itself.

    Its tests are unknown, and pytest counts the module as one skipped test.
    """
    at = now_ms()
    path, line, reason = report.longrepr if isinstance(report.longrepr, tuple) else (nodeid, None, report.longreprtext)
    message = cap(f"{path}:{line}: {reason}", MESSAGE_BYTES)
    phase = {"when": "collect", "outcome": "skipped", "seconds": 0.0, "xfailReason": None, "isSubtest": False, "message": message}
    return {"nodeid": nodeid, "at": at, "startedAt": at, "line": line, "phases": [phase], "sections": [], "rssBytes": 0, "cpuSeconds": 0.0}
