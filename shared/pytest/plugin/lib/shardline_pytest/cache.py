"""Keeps pytest's cache out of a session: the coordinator owns the values of `--lf`, `--nf` and `--sw`, because only it sees every result.

Values that a suite or plugin stores in `config.cache` work as in plain pytest.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .messages import SessionSettings

OWN_KEYS = frozenset(["cache/lastfailed", "cache/nodeids", "cache/stepwise"])
USING_OPTIONS = ("lf", "failedfirst", "newfirst", "stepwise")
# pytest's plugins that read these keys when they are created, in the order in which pytest creates them.
READERS = ("lfplugin", "nfplugin", "stepwiseplugin")


def cache_of(config: pytest.Config) -> dict[str, object] | None:
    """Describes the cache to the coordinator; None without one (`-p no:cacheprovider`)."""
    directory = getattr(getattr(config, "cache", None), "_cachedir", None)
    if directory is None:
        return None
    return {
        "directory": str(directory),
        "isUsed": any(bool(config.getoption(name, False)) for name in USING_OPTIONS),
        "stepwise": stepwise_of(config),
    }


def stepwise_of(config: pytest.Config) -> dict[str, bool] | None:
    """`--sw` and its options; None without `--sw`."""
    if not config.getoption("stepwise", False):
        return None
    return {"skip": bool(config.getoption("stepwise_skip", False)), "reset": bool(config.getoption("stepwise_reset", False))}


def stepwise_count(config: pytest.Config) -> int | None:
    """Number of tests before `--sw` deselected any; None without `--sw`, or if pytest does not keep the number (before 8.4)."""
    return getattr(getattr(config.pluginmanager.get_plugin("stepwiseplugin"), "cached_info", None), "last_test_count", None)


def failure_limit(config: pytest.Config, maxfail: int) -> int:
    """The number of failures that stops the session: `maxfail`, or the limit of `--sw` if lower. 0 means no limit."""
    stepwise = stepwise_of(config)
    if stepwise is None:
        return maxfail
    limit = 2 if stepwise["skip"] else 1
    return min(maxfail, limit) if maxfail else limit


class CacheGuard:
    """Drops pytest's writes to its three own keys.

    If the coordinator shipped values, pytest reads them instead of those on this disk.
    """

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

    # pytest creates the cache in pytest_configure, and collects nothing before this hook.
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

        cache.get = get  # type: ignore[method-assign]  # pytest offers no hook
        cache.set = set_value  # type: ignore[method-assign]  # pytest offers no hook


def read_again(config: pytest.Config, session: pytest.Session) -> None:
    """Replaces the plugins that have read the cache by new instances, which read the shipped values."""
    manager = config.pluginmanager
    # The plugin of --lf registers this wrapper when it is created.
    wrapper = manager.get_plugin("lfplugin-collwrapper")
    if wrapper is not None:
        manager.unregister(wrapper)
    for name in READERS:
        plugin = manager.get_plugin(name)
        if plugin is not None:
            manager.unregister(plugin)
            renewed = type(plugin)(config)
            manager.register(renewed, name)
            # pytest is already calling this hook, and does not call plugins that are registered now.
            getattr(renewed, "pytest_sessionstart", lambda session: None)(session)
