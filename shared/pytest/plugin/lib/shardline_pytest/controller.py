"""The plugin in pytest's main process: passes the session to each xdist worker, and reports dead workers and the end of pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .carried_warnings import keep_unknown_warnings
from .controller_needs import why_relayed
from .scheduler import PassiveScheduler
from .stdlib import real

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

    from .channel import Channel
    from .messages import SessionSettings


class Controller:
    """Registered in the process that starts xdist workers, or that runs the tests itself."""

    def __init__(self, session: SessionSettings, channel: Channel) -> None:
        self.session = session
        self.channel = channel

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: WorkerController) -> None:
        # The first xdist worker is about to start, so every plugin and conftest of this process is loaded.
        if "relays" not in self.session:
            self.decide_relay(node.config)
            keep_unknown_warnings()
        node.workerinput["shardline"] = real.encode(self.session)

    def decide_relay(self, config: pytest.Config) -> None:
        """Decides whether workers send their reports to this process too, and reports why."""
        why = why_relayed(config) if self.session["relay"] == "auto" else None
        self.session["relays"] = self.session["relay"] == "always" or why is not None
        if why is not None:
            self.channel.send("relaying", why=why)

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: object) -> PassiveScheduler:
        return PassiveScheduler(config)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: WorkerController, error: object) -> None:
        if error:
            worker = node.workerinput["workerid"]
            self.channel.send("worker-down", worker=worker, error=exit_of(node) or str(error), isReplaced=is_replaced(node.config))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
        maxfail = session.config.getvalue("maxfail")
        by_maxfail = bool(maxfail) and session.testsfailed >= maxfail
        self.channel.send("finished", exitCode=int(exitstatus), byMaxfail=by_maxfail)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        self.channel.close()


def is_replaced(config: pytest.Config) -> bool:
    """Will xdist start a replacement for a worker that it is about to count as lost? It decides by --max-worker-restart."""
    dsession = config.pluginmanager.get_plugin("dsession")
    limit = getattr(dsession, "_max_worker_restart", None)
    return limit is None or getattr(dsession, "_failed_nodes_count", 0) < limit


def exit_of(node: WorkerController) -> str | None:
    """How the process of a lost worker ended, in words; None if execnet, which keeps the process private, does not show it."""
    try:
        code = node.gateway._io.popen.wait(timeout=2)
    except (AttributeError, OSError, real.TimeoutExpired):
        return None
    if code >= 0:
        return f"it exited with code {code}"
    try:
        return f"it was killed by {real.Signals(-code).name}"
    except ValueError:
        return f"it was killed by signal {-code}"
