"""What a task brings to run: items with their keys, and the messages that announce them once the task is ours."""

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
    """Items that are collected together: one file (file by file), or all that a task wants of the whole list."""

    def __init__(self) -> None:
        # (item, key, its index in `listed`)
        self.entries: list[Test] = []
        # What session.items holds while they run.
        self.listed: list[pytest.Item] = []
        self.messages: list[tuple[str, dict[str, object]]] = []
        self.errors: dict[str, list[CollectError]] = {}

    def announce(self, kind: str, **fields: object) -> None:
        self.messages.append((kind, fields))

    def fail(self, file: str, message: str, nodeid: str | None = None) -> None:
        """Something of the file could not be collected: the file itself, or what `nodeid` names in it. All of one file make one message."""
        errors = self.errors.get(file)
        if errors is None:
            errors = self.errors[file] = []
            self.announce("collect-failed", file=clean(file), errors=errors)
        # Two selectors of one task may name the same file.
        place = clean(nodeid or file)
        if all(error["nodeid"] != place for error in errors):
            # The more there are, the less is kept of each: their sum stays small.
            errors.append({"nodeid": place, "message": cap(message, MESSAGE_BYTES // (len(errors) + 1))})


def skip_message(nodeid: str, report: pytest.CollectReport) -> dict[str, object]:
    """The fields of `test-finished` for a module that skipped itself: nobody knows its tests, and pytest counts it as one skipped test."""
    at = now_ms()
    path, line, reason = report.longrepr if isinstance(report.longrepr, tuple) else (nodeid, None, report.longreprtext)
    message = cap(f"{path}:{line}: {reason}", MESSAGE_BYTES)
    phase = {"when": "collect", "outcome": "skipped", "seconds": 0.0, "xfailReason": None, "isSubtest": False, "message": message}
    return {"nodeid": nodeid, "at": at, "startedAt": at, "line": line, "phases": [phase], "sections": [], "rssBytes": 0, "cpuSeconds": 0.0}
