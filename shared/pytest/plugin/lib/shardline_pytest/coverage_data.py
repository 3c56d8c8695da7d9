"""pytest-cov, where it is at work: what it was asked for, and that its data are the agent's, which sends them to be combined with those of all others.

Its reports and its limit would be those of one session only: the coordinator makes them, of everything.
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
    """Will pytest-cov measure with these options? Asked before it starts."""
    return bool(getattr(options, "cov_source", None)) and not getattr(options, "no_cov", False)


def keep_apart(options: Namespace, data_file: str) -> None:
    """Before pytest-cov starts: its data go to this file, those of subprocesses too, and it reports nothing."""
    os.environ["COVERAGE_FILE"] = data_file
    options.cov_report = {"": None}


def lift_limit(config: pytest.Config) -> None:
    """Once pytest-cov has started, and read the limit that its configuration sets."""
    plugin = config.pluginmanager.getplugin("_cov")
    if plugin is not None:
        plugin.options.cov_fail_under = None


def origin_of(session: SessionSettings, config: pytest.Config) -> dict[str, str] | None:
    """Where the paths of the data begin; None when nothing is measured for the agent."""
    if session["coverageFile"] is None or not config.pluginmanager.hasplugin("_cov") or config.getoption("no_cov", False):
        return None
    return {"workspace": os.path.realpath(str(config.invocation_params.dir)), "packages": os.path.realpath(sysconfig.get_path("purelib"))}


def asked_for(config: pytest.Config) -> dict[str, object] | None:
    """pytest-cov's options as it has read them; None when it is not there or does nothing."""
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
    """Writes what this process has measured so far: a worker that dies costs only what it was at. False where nothing is measured or can be written.

    What follows, such as the import of the next file, belongs to no test (`--cov-context`). `Coverage.save` writes too, and notes the files that never
    ran, which it looks for in all sources: 0.1 s for the 600 of networkx, against 1 ms. Once is enough, for a worker that does not come to its end.
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
        return False  # told as coverage that is missing
    return True
