"""What `-p shardline_pytest.plugin` loads in the controller and in every xdist worker: registers the parts that the process needs.

The fork server imports it before pytest starts, and it has no asserts: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from . import fork_server, session_of, versions
from .cache import CacheGuard
from .channel import Channel
from .controller import Controller
from .coverage_data import is_measuring, keep_apart, lift_limit, origin_of
from .discovery import discovery_of
from .fingerprint import fingerprint_of
from .import_hint import ImportHint
from .log_file import LogFile
from .marks import register_marks
from .observations import Observations
from .result_sender import ResultSender
from .run_outputs import leave_run_outputs
from .streamability import refused, unstreamable
from .task_loop import TaskLoop
from .terminal_output import TerminalOutput
from .worker_numbers import WorkerNumbers
from .worker_starts import WorkerStarts
from .xdist_loader import load_xdist

if TYPE_CHECKING:
    from .hook_types import HookWrapper


def xdist_workers(config: pytest.Config) -> int:
    """Number of xdist workers that this pytest starts; 0 when it runs the tests itself."""
    return len(config.getoption("tx", None) or []) if config.getoption("dist", "no") != "no" else 0


@pytest.hookimpl(hookwrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> HookWrapper:
    """Caps xdist's own number for `-n auto` at what the machine or container can run, unless the environment sets it."""
    outcome = yield
    session = session_of(config)
    limit = session["maxAutoWorkers"] if session is not None else None
    if limit is not None and not os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        outcome.force_result(max(1, min(outcome.get_result(), limit)))


# A wrapper runs before pytest-cov, which starts in this hook.
@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> HookWrapper:
    load_xdist(early_config)
    session = session_of(early_config)
    if session is not None and session["mode"] == "discover":
        early_config.pluginmanager.register(discovery_of(session, early_config), "shardline-discovery")
    options = early_config.known_args_namespace
    if "PYTEST_XDIST_WORKER" in os.environ and hasattr(options, "cov_append"):
        # pytest-cov 7.1 erases all data files whenever a process starts, also those of recycled workers.
        options.cov_append = True
    coverage_file = session["coverageFile"] if session is not None and is_measuring(options) else None
    if coverage_file is not None:
        keep_apart(options, coverage_file)
    hint = ImportHint(early_config)
    early_config.pluginmanager.register(hint, "shardline-import-hint")
    outcome = yield
    if outcome.excinfo is not None:
        hint.amend(outcome.excinfo[1])
    if coverage_file is not None:
        lift_limit(early_config)


def write_as_python_does() -> None:
    """Restores the error handlers of standard output and error.

    execnet gives an xdist worker new streams, which in some locales refuse text that Python's own accept.
    """
    for stream, original in ((sys.stdout, sys.__stdout__), (sys.stderr, sys.__stderr__)):
        if original is not None and hasattr(stream, "reconfigure") and stream.errors != original.errors:
            stream.reconfigure(errors=original.errors)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    session = session_of(config)
    if session is None:
        return
    register_marks(config, session["serialMarker"])
    config.pluginmanager.register(CacheGuard(session), "shardline-cache")
    if hasattr(config, "workerinput"):
        config.option.cacheclear = False  # the main process has cleared it, and an xdist worker may start after tests have used it
    if session["mode"] == "discover":
        return
    if not session["stopsItself"]:
        config.option.maxfail = 0
    workerinput = getattr(config, "workerinput", None)
    leave_run_outputs(config, session["ordinal"] if workerinput is None else -1)
    workers = xdist_workers(config)
    name = workerinput["workerid"] if workerinput is not None else "main" if workers == 0 else "controller"
    channel = Channel(session["socket"], name)
    register = config.pluginmanager.register
    if workerinput is None:
        problem = refused(config)
        if problem is not None:
            raise pytest.UsageError(f"shardline cannot run this: {problem}")
        channel.send(
            "started",
            executable=sys.executable,
            workers=max(1, workers),
            coverage=origin_of(session, config),
            fingerprint=fingerprint_of(config),
            unfeedable=unstreamable(config),
            **versions(),
        )
        register(Controller(session, channel), "shardline-controller")
        register(TerminalOutput(config, session["limits"], channel), "shardline-terminal-output")
        worker_numbers = WorkerNumbers(channel)
        register(worker_numbers, "shardline-worker-numbers")
        if workers == 0:
            fork_server.end()  # tests would see it as a child of their process
            worker_numbers.number_this_process()
        else:
            register(WorkerStarts(channel), "shardline-worker-starts")
    if workerinput is not None:
        write_as_python_does()
        register(LogFile(config), "shardline-log-file")
    if workerinput is not None or workers == 0:
        observations = Observations(config, channel)
        register(observations, "shardline-observations")
        result_sender = ResultSender(session["limits"], channel, observations)
        register(TaskLoop(config, session, channel, result_sender), "shardline-task-loop")
        register(result_sender, "shardline-result-sender")
