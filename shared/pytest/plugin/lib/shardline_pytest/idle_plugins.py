"""Plugins that switch themselves off under xdist, and the options that then do nothing or make pytest refuse to run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


# Names that the plugin has when it loads by itself and with `-p`, what to call it, the options that ask for its work (whether pytest refuses to run
# with one), and the options with which it does nothing anyway.
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
    """{"plugin", "option", "refuses"} of the first option that cannot do its work in xdist workers; None where there is none."""
    if config.getoption("numprocesses", None) == 0:
        return None
    for names, plugin, options, switches in IDLE_PLUGINS:
        if not any(config.pluginmanager.hasplugin(name) for name in names) or any(config.getoption(name, None) for name in switches):
            continue
        for name, option, refuses in options:
            if config.getoption(name, None) not in (None, False, [], ()):
                return {"plugin": plugin, "option": option, "refuses": refuses}
    return None
