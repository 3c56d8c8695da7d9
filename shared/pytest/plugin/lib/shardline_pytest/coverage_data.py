"""pytest-cov's data, which belong to the agent: the coordinator combines the data of all agents.

A report or a failed limit in one session would cover a part of the run only, so the coordinator makes both.
"""

from __future__ import annotations

import os
import sysconfig
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import Namespace

    import pytest

    from .messages import SessionSettings

_has_noted_sources = False


def is_measuring(options: Namespace) -> bool:
    """Will pytest-cov measure with these options? Called before it starts."""
    return bool(getattr(options, "cov_source", None)) and not getattr(options, "no_cov", False)


def keep_apart(options: Namespace, data_file: str) -> None:
    """Sends pytest-cov's data, and those of subprocesses, to this file, and turns off its reports. Called before it starts."""
    os.environ["COVERAGE_FILE"] = data_file
    options.cov_report = {"": None}


def lift_limit(config: pytest.Config) -> None:
    """Removes the limit that pytest-cov has read from its configuration. Called after it starts."""
    plugin = config.pluginmanager.getplugin("_cov")
    if plugin is not None:
        plugin.options.cov_fail_under = None


def origin_of(session: SessionSettings, config: pytest.Config) -> dict[str, str] | None:
    """The roots of the paths in the data; None when the agent gets no data."""
    if session["coverageFile"] is None or not config.pluginmanager.hasplugin("_cov") or config.getoption("no_cov", False):
        return None
    return {"workspace": os.path.realpath(str(config.invocation_params.dir)), "packages": os.path.realpath(sysconfig.get_path("purelib"))}


def asked_for(config: pytest.Config) -> dict[str, object] | None:
    """pytest-cov's resolved options; None without pytest-cov, or when it is off."""
    plugin = config.pluginmanager.getplugin("_cov")
    if plugin is None or config.getoption("no_cov", False):
        return None
    options = plugin.options
    reports = options.cov_report if isinstance(options.cov_report, dict) else dict.fromkeys(options.cov_report)
    return {
        "source": None if options.cov_source is None else [str(source) for source in options.cov_source],
        "config": str(options.cov_config),
        "branch": options.cov_branch,
        "append": bool(options.cov_append),
        "reports": reports,
        "failUnder": options.cov_fail_under or None,
        "precision": getattr(options, "cov_precision", None) or 0,
        "notOnFail": bool(options.no_cov_on_fail),
    }


def save(config: pytest.Config) -> bool:
    """Writes what this process has measured so far, so that a crash loses only the current task. False if nothing was written.

    Ends the context of the last test (`--cov-context`), as the import of the next file belongs to no test. `Coverage.save` also looks for
    files that never ran, which takes 0.1 s for the 600 files of networkx, against 1 ms to write. Once is enough, for a worker that does not
    reach its end.
    """
    global _has_noted_sources
    plugin = config.pluginmanager.getplugin("_cov")
    controller = getattr(plugin, "cov_controller", None)
    if controller is None or controller.cov is None:
        return False
    try:
        if not _has_noted_sources:
            controller.cov.save()
            _has_noted_sources = True
        controller.cov.switch_context("")
    except Exception:
        return False  # the agent reports the missing coverage
    return True
