"""Loads xdist if pytest does not load plugins automatically."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def load_xdist(config: pytest.Config) -> None:
    """Call this after pytest has loaded its plugins and before it reads xdist's options.

    `-p xdist` would load xdist before all other plugins. A plugin that replaces the terminal reporter then refuses to run, because xdist
    has already started to use it.
    """
    manager = config.pluginmanager
    if not manager.hasplugin("xdist") and not manager.is_blocked("xdist"):
        manager.import_plugin("xdist", consider_entry_points=True)
