"""pytest's own cache in a session of ours: what `--lf`, `--nf` and `--sw` keep there belongs to the coordinator, which alone sees every result.

What a suite or a plugin keeps in `config.cache` for itself works as in plain pytest.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .messages import SessionSettings


OWN_KEYS = frozenset(["cache/lastfailed", "cache/nodeids", "cache/stepwise"])
USING_OPTIONS = ("lf", "failedfirst", "newfirst", "stepwise")
# pytest's own plugins that read those keys when they are made, in the order in which pytest makes them.
READERS = ("lfplugin", "nfplugin", "stepwiseplugin")


def cache_of(config: pytest.Config) -> dict[str, object] | None:
    """What the coordinator needs to know of this pytest's cache; None where it has none (`-p no:cacheprovider`)."""
    directory = getattr(getattr(config, "cache", None), "_cachedir", None)
    if directory is None:
        return None
    return {
        "directory": str(directory),
        "isUsed": any(bool(config.getoption(name, False)) for name in USING_OPTIONS),
        "stepwise": stepwise_of(config),
    }


def stepwise_of(config: pytest.Config) -> dict[str, bool] | None:
    if not config.getoption("stepwise", False):
        return None
    return {"skip": bool(config.getoption("stepwise_skip", False)), "reset": bool(config.getoption("stepwise_reset", False))}


def stepwise_count(config: pytest.Config) -> int | None:
    """How many tests pytest had before `--sw` deselected any; None without `--sw`, or where pytest does not keep it (before 8.4)."""
    return getattr(getattr(config.pluginmanager.get_plugin("stepwiseplugin"), "cached_info", None), "last_test_count", None)


def failure_limit(config: pytest.Config, maxfail: int) -> int:
    """`maxfail`, or the number of failures at which `--sw` stops, whichever is lower; 0 means no limit."""
    stepwise = stepwise_of(config)
    if stepwise is None:
        return maxfail
    limit = 2 if stepwise["skip"] else 1
    return min(maxfail, limit) if maxfail else limit


class CacheGuard:
    """Drops pytest's own writes to the three keys. With `shipped`, pytest reads the coordinator's values there and not those of this disk."""

    def __init__(self, session: SessionSettings) -> None:
        shipped = session.get("cache")
        self.stops_itself = session.get("stopsItself", False)
        self.values: dict[str, object] = {}
        if shipped is not None:
            self.values = {
                "cache/lastfailed": dict.fromkeys(shipped["lastfailed"], True),
                "cache/nodeids": shipped["nodeids"],
                "cache/stepwise": shipped["stepwise"],
            }

    # pytest makes the cache in pytest_configure, and nothing is collected before this.
    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        config = session.config
        cache = getattr(config, "cache", None)
        if cache is None:
            return
        self.guard(cache)
        if self.values:
            read_again(config, session)
        if self.stops_itself:
            config.option.maxfail = failure_limit(config, int(config.getoption("maxfail", 0) or 0))

    def guard(self, cache: pytest.Cache) -> None:
        read, write = cache.get, cache.set

        def get(key: str, default: object) -> object:
            return copy.deepcopy(self.values[key]) if key in self.values else read(key, default)

        def set_value(key: str, value: object) -> None:
            if key not in OWN_KEYS:
                write(key, value)

        cache.get = get  # type: ignore[method-assign]  # pytest has no hook for this
        cache.set = set_value  # type: ignore[method-assign]


def read_again(config: pytest.Config, session: pytest.Session) -> None:
    """Replaces pytest's plugins that have read the cache by new ones, which read it now."""
    manager = config.pluginmanager
    # The plugin behind --lf registers this one when it is made.
    wrapper = manager.get_plugin("lfplugin-collwrapper")
    if wrapper is not None:
        manager.unregister(wrapper)
    for name in READERS:
        plugin = manager.get_plugin(name)
        if plugin is not None:
            manager.unregister(plugin)
            renewed = type(plugin)(config)
            manager.register(renewed, name)
            # This hook is on its way, and does not reach what is registered now.
            getattr(renewed, "pytest_sessionstart", lambda session: None)(session)
