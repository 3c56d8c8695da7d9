"""Fixtures that outlive the tests of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

WIDE_SCOPES = ("package", "session")
# pytest's fixtures, and those of plugins that a process may set up twice.
OWN_FIXTURES = ("_pytest.", "xdist.", "pytest_cov.")


def is_wide(fixturedef: pytest.FixtureDef[object]) -> bool:
    """Is it a fixture of the suite or a plugin that outlives the tests of a file?"""
    return fixturedef.scope in WIDE_SCOPES and not str(getattr(fixturedef.func, "__module__", "")).startswith(OWN_FIXTURES)


def asks_for_wide(item: pytest.Item) -> bool:
    """Does the item use such a fixture?"""
    info = getattr(item, "_fixtureinfo", None)
    return info is not None and any(is_wide(each) for definitions in info.name2fixturedefs.values() for each in definitions)
