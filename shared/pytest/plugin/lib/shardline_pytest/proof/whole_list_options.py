"""Options, arguments and plugins that, as they are set, need the whole list of tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..list_order import dependency_over_files
from ..streamability import WHOLE_LIST_OPTIONS, WHOLE_LIST_PLUGINS

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

# Attribute of config.option → the option as the user writes it.
MORE_OPTIONS = (
    ("keepduplicates", "--keep-duplicates"),
    ("testmon", "--testmon"),
    ("testmon_forceselect", "--testmon-forceselect"),
    ("picked", "--picked"),
    ("usepdb", "--pdb"),
)


def options_problem(config: pytest.Config, items: Iterable[pytest.Item] = ()) -> str | None:
    """Why files cannot be collected one by one, in words; None when they can. `items` are the collected ones, if known."""
    for name, option in (*WHOLE_LIST_OPTIONS, *MORE_OPTIONS):
        if config.getoption(name, False):
            return f"{option} needs the whole list of tests"
    for names, plugin, is_on in WHOLE_LIST_PLUGINS:
        if any(config.pluginmanager.hasplugin(name) for name in names) and is_on(config.getoption):
            return f"the plugin {plugin} orders or divides the whole list of tests"
    for argument in config.args:
        if "::" in str(argument):
            return f"the argument {argument} names a single test"
    if any(config.pluginmanager.hasplugin(name) for name in ("dependency", "pytest_dependency")):
        return dependency_over_files(list.__iter__(items) if isinstance(items, list) else items)
    return None


def order_problem(items: list[pytest.Item]) -> str | None:
    """A file whose tests are not together in the list, in words; None without one. Something orders the list across files."""
    closed: set[str | None] = set()
    current: str | None = None
    for item in list.__iter__(items):
        file = item.nodeid.split("::")[0]
        if file != current:
            if file in closed:
                return f"the tests of {file} are not together in the list"
            closed.add(current)
            current = file
    return None
