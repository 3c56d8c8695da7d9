"""Fixtures that outlive the tests of a file, and hooks that receive the test that runs next: why the order of two tasks matters."""

from __future__ import annotations

import pytest

from .controller_needs import own_implementations

WIDE_SCOPES = ("package", "session")
# pytest's fixtures, and those of plugins that a process may set up twice.
OWN_FIXTURES = ("_pytest.", "xdist.", "pytest_cov.")
# Hooks that receive the test that runs next.
NEXT_ITEM_HOOKS = ("pytest_runtest_protocol", "pytest_runtest_teardown")


def is_wide(fixturedef: pytest.FixtureDef[object]) -> bool:
    """Is it a fixture of the suite or a plugin that outlives the tests of a file?"""
    return fixturedef.scope in WIDE_SCOPES and not str(getattr(fixturedef.func, "__module__", "")).startswith(OWN_FIXTURES)


def asks_for_wide(item: pytest.Item) -> bool:
    """Does the item use such a fixture?"""
    info = getattr(item, "_fixtureinfo", None)
    return info is not None and any(is_wide(each) for definitions in info.name2fixturedefs.values() for each in definitions)


def reads_next_item(config: pytest.Config) -> bool:
    """Does a hook of the suite or of a plugin take `nextitem`? testmon, for example, writes its data when there is no next test."""
    return any("nextitem" in each.argnames for name in NEXT_ITEM_HOOKS for each in own_implementations(config, name))
