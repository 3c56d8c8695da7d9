"""Warnings that pytest records, as the agent receives them: shortened, without lone surrogates, and counted."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Generic, TypeVar

from _pytest.warnings import catch_warnings_for_item

from .channel import cap, clean

if TYPE_CHECKING:
    import warnings
    from collections.abc import Iterator

    import pytest

    from .messages import Warned

    # (category, message, file, line)
    WarningKey = tuple[str, str, str, int]

K = TypeVar("K")
MESSAGE_BYTES = 2_000
# Limit for one test, or for one process outside its tests. Further warnings are only counted.
DISTINCT_LIMIT = 100


def described(warning_message: warnings.WarningMessage, root: str) -> WarningKey:
    """Describes a recorded warning. Its file is relative to the root directory if it is below it."""
    category = getattr(warning_message.category, "__name__", "Warning")
    try:
        text = str(warning_message.message)
    except Exception as error:  # the suite's own __str__ may raise
        text = f"{type(warning_message.message)!r} could not be shown: {error!r}"
    file = str(warning_message.filename)
    if file.startswith(root + os.sep):
        file = file[len(root) + 1 :].replace(os.sep, "/")
    line = warning_message.lineno
    return clean(str(category)), cap(text, MESSAGE_BYTES), clean(file), line if isinstance(line, int) and line > 0 else 0


@contextlib.contextmanager
def recorded_for(item: pytest.Item) -> Iterator[None]:
    """Records warnings in the block as those of the test, like pytest itself. Does nothing with `-p no:warnings`."""
    if not item.config.pluginmanager.hasplugin("warnings"):
        yield
        return
    with catch_warnings_for_item(config=item.config, ihook=item.ihook, when="runtest", item=item):
        yield


@contextlib.contextmanager
def recorded_at_collection(config: pytest.Config) -> Iterator[None]:
    """Records warnings in the block as those of a collection, like pytest itself. Does nothing with `-p no:warnings`."""
    if not config.pluginmanager.hasplugin("warnings"):
        yield
        return
    with catch_warnings_for_item(config=config, ihook=config.hook, when="collect", item=None):
        yield


class WarningTally(Generic[K]):
    """Counts equal warnings. Beyond the limit of distinct warnings, it keeps only a number."""

    def __init__(self) -> None:
        self.counts: dict[K, int] = {}
        self.further = 0

    def add(self, key: K) -> int:
        """Adds one warning, and returns the number of equal ones; 0 beyond the limit."""
        if key not in self.counts and len(self.counts) >= DISTINCT_LIMIT:
            self.further += 1
            return 0
        self.counts[key] = self.counts.get(key, 0) + 1
        return self.counts[key]

    def messages(self: WarningTally[WarningKey]) -> list[Warned]:
        """One message per distinct warning, and one for those beyond the limit."""
        messages = [as_message(key, count) for key, count in self.counts.items()]
        return messages + ([further(self.further)] if self.further > 0 else [])


def as_message(key: WarningKey, count: int) -> Warned:
    category, message, file, line = key
    return {"category": category, "message": message, "file": file, "line": line, "count": count}


def further(count: int) -> Warned:
    return as_message(("Warning", "further distinct warnings, counted only", "", 0), count)
