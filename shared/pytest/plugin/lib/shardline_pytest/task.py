"""One task of the agent: its tests, in the order in which they run, and the claim that gives it to one worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import pytest

    from .batch import Test
    from .channel import Channel
    from .messages import RunMessage
    from .source import Source


class Entry:
    """One test to run, and the list that the session holds meanwhile."""

    def __init__(self, test: Test, listed: list[pytest.Item]) -> None:
        self.test = test
        self.listed = listed


class Task:
    """The tests of one `run` message, collected batch by batch. Sends what it learns about them once this worker owns the task."""

    def __init__(self, channel: Channel, source: Source, message: RunMessage) -> None:
        self.channel = channel
        self.source = source
        self.message = message
        self.number = message["task"]
        self.files = len(message["selectors"])
        self.waiting: list[Any] = self.source.portions(message)
        self.is_reserved = False
        self.is_claimed = False
        self.messages: list[tuple[str, dict[str, object]]] = []
        self.ahead: list[Entry] = []

    def reserve(self) -> bool:
        """Makes sure that no other worker gets the task; False when one has it."""
        self.is_reserved = self.is_reserved or self.channel.claims(self.message)
        return self.is_reserved

    def claim(self) -> bool:
        """Takes the task; False when the agent gave it to another worker."""
        if not self.reserve():
            return False
        self.is_claimed = True
        self.send()
        return True

    def send(self) -> None:
        """Sends the messages of the batches so far."""
        for kind, fields in self.messages:
            self.channel.send(kind, task=self.number, **fields)
        self.messages = []

    def fill(self) -> bool:
        """Collects until there is a test; False at the end of the task, and if this process cannot collect the rest of it."""
        while not self.ahead:
            if not self.waiting:
                return False
            portion = self.waiting.pop(0)
            batch = self.source.batch(portion, self.number)
            if self.source.is_spent:
                self.waiting.insert(0, portion)
                return False
            self.messages.extend(batch.messages)
            if self.is_claimed:
                self.send()
            self.ahead = [Entry(test, batch.listed) for test in reversed(batch.entries)]
        return True

    def is_left(self) -> bool:
        """Is there a test, or a file to collect, that has not run?"""
        return bool(self.ahead or self.waiting)

    def upcoming(self) -> pytest.Item | None:
        """The next item of this task, to pass to pytest; None behind the last."""
        if self.ahead:
            return self.ahead[-1].test[0]
        return self.source.upcoming(self)

    def __iter__(self) -> Iterator[Entry]:
        while self.fill():
            yield self.ahead.pop()
