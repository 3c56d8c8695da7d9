"""Decides whether this pytest, with these options, can collect file by file. If not, every worker collects the whole list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .private_api import missing_api

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    import pytest

WHOLE_LIST_OPTIONS = (
    ("lf", "--lf"),
    ("failedfirst", "--ff"),
    ("newfirst", "--nf"),
    ("stepwise", "--stepwise"),
    ("stepwise_skip", "--stepwise-skip"),
    ("stepwise_reset", "--stepwise-reset"),
    ("pyargs", "--pyargs"),
)


def _is_random_order_on(option: Callable[..., Any]) -> bool:
    return bool(option("random_order_enabled", False)) or any(
        not str(option(name, "default:")).startswith("default:") for name in ("random_order_bucket", "random_order_seed")
    )


# Per plugin: its names, when it loads by itself and with `-p`; its package; whether it is active. pytest-dependency is missing on purpose:
# a test that a test of the same file depends on ran before it in the same worker, which only collection by file ensures.
WHOLE_LIST_PLUGINS: tuple[tuple[tuple[str, ...], str, Callable[[Callable[..., Any]], object]], ...] = (
    (("randomly", "pytest_randomly"), "pytest-randomly", lambda option: option("randomly_reorganize", True)),
    (("random_order", "random_order.plugin"), "pytest-random-order", _is_random_order_on),
    (("pytest_order", "pytest_order.plugin"), "pytest-order", lambda option: True),
    (("pytest_ordering",), "pytest-ordering", lambda option: True),
    (("reorder", "pytest_reorder.hook"), "pytest-reorder", lambda option: option("reorder", None) is not None),
    (("pytest-split", "pytest_split.plugin"), "pytest-split", lambda option: option("splits", None)),
    (("pytest-shard", "pytest_shard.pytest_shard"), "pytest-shard", lambda option: option("num_shards", 1) > 1),
    (("test-groups", "pytest_test_groups"), "pytest-test-groups", lambda option: option("test-group-count", None)),
)


# Plugins that shuffle: the order of their tests has no meaning.
SHUFFLING_PLUGINS = ("pytest-randomly", "pytest-random-order")


def is_shuffled(config: pytest.Config) -> str | None:
    """The plugin that shuffles the tests of this run, in words; None without one."""
    for names, plugin, is_on in WHOLE_LIST_PLUGINS:
        if plugin in SHUFFLING_PLUGINS and any(config.pluginmanager.hasplugin(name) for name in names) and is_on(config.getoption):
            return f"the plugin {plugin} shuffles the tests"
    return None


def refused(config: pytest.Config) -> str | None:
    """Why shardline cannot run this pytest with these options at all, in words; None when it can."""
    if config.getoption("dist", "no") == "each":
        return "--dist each runs every test in every xdist worker"
    if any(not str(spec).endswith("popen") for spec in config.getoption("tx", None) or []):
        return "--tx starts xdist workers elsewhere"
    if config.getoption("usepdb", False):
        return "--pdb needs a terminal"
    return None


def unstreamable(config: pytest.Config) -> str | None:
    """Why this pytest cannot collect file by file with these options, in words; None when it can."""
    for name, option in WHOLE_LIST_OPTIONS:
        if config.getoption(name, False):
            return f"{option} needs the whole list of tests"
    for names, plugin, is_on in WHOLE_LIST_PLUGINS:
        if any(config.pluginmanager.hasplugin(name) for name in names) and is_on(config.getoption):
            return f"the plugin {plugin} orders or divides the whole list of tests"
    return missing_api()
