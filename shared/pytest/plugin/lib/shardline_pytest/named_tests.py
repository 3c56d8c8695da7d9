"""Selects tests by name when pytest collects the whole list and some names may be gone (`--failed`).

Plain pytest would refuse to run any of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .arguments import path_of, split_argument
from .item_keys import selects

if TYPE_CHECKING:
    from pathlib import Path


class NamedTests:
    """Makes pytest collect the files of the named tests, and keeps the named tests.

    It does not count the others as deselected, as plain pytest would not collect them.
    """

    def __init__(self) -> None:
        self.names: dict[Path, list[str]] = {}
        self.whole: set[Path] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        config = session.config
        kept = []
        for argument in config.args:
            base, names = split_argument(argument)
            path = path_of(config, base)
            if path is None:
                continue
            kept.append(base)
            if names:
                self.names.setdefault(path, []).append(names)
            else:
                self.whole.add(path)
        # Without any path, pytest would collect everything.
        if config.args and not kept:
            raise pytest.UsageError("none of the named test files is here")
        config.args[:] = list(dict.fromkeys(kept))

    # Runs before the suite's own hooks, which then see what the user asked for.
    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if self.wants(item)]

    def wants(self, item: pytest.Item) -> bool:
        """Does an argument name this test?"""
        names = self.names.get(item.path)
        if names is None or not self.whole.isdisjoint((item.path, *item.path.parents)):
            return True
        _, separator, own = item.nodeid.partition("::")
        return any(selects(name, separator + own) for name in names)
