"""What a process observes besides results: warnings, deselected tests and recorded properties."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .arguments import file_of
from .channel import cap, clean
from .warning_tally import WarningTally, as_message, described, further

if TYPE_CHECKING:
    import warnings
    from collections.abc import Sequence

    from .channel import Channel
    from .hook_types import HookWrapper
    from .messages import Property
    from .warning_tally import WarningKey

PROPERTY_BYTES = 10_000
PROPERTY_LIMIT = 100


class Observations:
    """Keeps the warnings of a test for its result, as they count only if the result does. Sends all others at once."""

    def __init__(self, config: pytest.Config, channel: Channel) -> None:
        self.root = str(config.rootpath)
        self.channel = channel
        self.of_test: WarningTally[WarningKey] = WarningTally()
        self.besides: WarningTally[tuple[WarningKey, str]] = WarningTally()
        self.deselected: dict[str, int] = {}
        self.collections = 0
        self.is_in_test = False
        # -rP and -rA print the output of passed tests.
        self.keeps_output = not frozenset("PA").isdisjoint(str(getattr(config.option, "reportchars", "")))

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> HookWrapper:
        self.of_test = WarningTally()
        self.is_in_test = True
        yield
        self.is_in_test = False

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, when: str, nodeid: str) -> None:
        key = described(warning_message, self.root)
        if when == "runtest" and self.is_in_test:
            self.of_test.add(key)
            return
        # pytest checks its configuration in every collection. Plain pytest has one collection.
        if when == "config" and self.collections > 1 and (key, nodeid) in self.besides.counts:
            return
        count = self.besides.add((key, nodeid))
        message = as_message(key, count) if count > 0 else further(self.besides.further)
        self.channel.send("shown", what="warning", when=str(when), nodeid=clean(nodeid) if nodeid and count > 0 else None, warning=message)

    # A file whose parts run in several places is collected again, and deselects the same tests again.
    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection(self) -> HookWrapper:
        self.deselected = {}
        self.collections += 1
        yield
        if self.deselected:
            self.channel.send("shown", what="deselected", counts=self.deselected)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        for item in items:
            file = clean(file_of(item.nodeid))
            self.deselected[file] = self.deselected.get(file, 0) + 1


def properties_of(reports: Sequence[pytest.TestReport]) -> list[Property]:
    """What `record_property` recorded in a test, in order. The last report repeats the properties of earlier phases."""
    recorded = getattr(reports[-1], "user_properties", None) or () if reports else ()
    return [{"name": text_of(name), "value": text_of(value)} for name, value in list(recorded)[:PROPERTY_LIMIT]]


def text_of(value: object) -> str:
    """The value as a short text."""
    try:
        return cap(str(value), PROPERTY_BYTES)
    except Exception as error:  # the object's own __str__ may raise
        return clean(f"{type(value)!r} could not be shown: {error!r}")
