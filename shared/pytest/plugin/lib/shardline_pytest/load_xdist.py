"""Loads xdist where pytest does not load plugins by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def load_xdist(config: pytest.Config) -> None:
    """To be called once the plugins are loaded, before pytest reads xdist's options.

    `-p xdist` would load it before all other plugins, and plugins that replace the terminal reporter would find it in use.
    """
    manager = config.pluginmanager
    if not manager.hasplugin("xdist") and not manager.is_blocked("xdist"):
        manager.import_plugin("xdist", consider_entry_points=True)
