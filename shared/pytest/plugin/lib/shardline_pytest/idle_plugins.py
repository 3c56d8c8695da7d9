"""Plugins that turn themselves off under xdist, and their options, which then do nothing or make pytest refuse to run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

# Per plugin: its names, when it loads by itself and with `-p`; the name to print; the options that ask for its work, and whether pytest
# refuses to run with them; the options that turn it off.
IDLE_PLUGINS = (
    (
        ("benchmark", "pytest_benchmark", "pytest_benchmark.plugin"),
        "pytest-benchmark",
        (
            ("benchmark_only", "--benchmark-only", True),
            ("benchmark_json", "--benchmark-json", False),
            ("benchmark_autosave", "--benchmark-autosave", False),
            ("benchmark_save", "--benchmark-save", False),
            ("benchmark_save_data", "--benchmark-save-data", False),
            ("benchmark_compare", "--benchmark-compare", False),
            ("benchmark_compare_fail", "--benchmark-compare-fail", False),
            ("benchmark_histogram", "--benchmark-histogram", False),
        ),
        ("benchmark_skip", "benchmark_disable"),
    ),
)


def idle_plugin(config: pytest.Config) -> dict[str, object] | None:
    """{"plugin", "option", "refuses"} of the first option that cannot work in xdist workers; None without any."""
    if config.getoption("numprocesses", None) == 0:
        return None
    for names, plugin, options, switches in IDLE_PLUGINS:
        if not any(config.pluginmanager.hasplugin(name) for name in names) or any(config.getoption(name, None) for name in switches):
            continue
        for name, option, refuses in options:
            if config.getoption(name, None) not in (None, False, [], ()):
                return {"plugin": plugin, "option": option, "refuses": refuses}
    return None
