"""Replacements of xdist's WorkerInteractor in a fed worker: what the controller receives from it, besides what the agent receives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import execnet
import pytest

from .batch import MESSAGE_BYTES
from .carried_warnings import cleaned
from .channel import cap, clean
from .stdlib import real

if TYPE_CHECKING:
    import warnings
    from collections.abc import Callable
    from typing import Any

    from .channel import Channel
    from .hook_types import HookWrapper

# pytest's exit code for it.
INTERNAL_ERROR = 3


class QuietInteractor:
    """Sends the controller the start and end of the worker, and warnings.

    Events about single tests would cost a millisecond each.
    """

    def __init__(self, interactor: Any, channel: Channel) -> None:
        self.interactor = interactor
        self.channel = channel
        self.is_fed = False

    def begin_test(self, index: int, nodeid: str) -> None:
        """The test at this index of session.items begins. The controller blames it if this worker dies."""

    def end_test(self) -> None:
        """That test is over."""

    def late_report(self, item: pytest.Item, report: pytest.TestReport) -> None:
        """A report of a test that is over: the teardown of a fixture that outlived it failed."""

    def pytest_internalerror(self, excrepr: object) -> None:
        if not self.is_fed:
            self.interactor.pytest_internalerror(excrepr)
            return
        # The controller would end all workers. End only this one, and blame what it was running.
        self.channel.send("internal-error", message=cap(str(excrepr), MESSAGE_BYTES))
        real.exit_at_once(INTERNAL_ERROR)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_sessionfinish(self, exitstatus: int | pytest.ExitCode) -> HookWrapper:
        yield from self.interactor.pytest_sessionfinish(exitstatus)

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str, location: tuple[str, int, str] | None
    ) -> None:
        try:
            self.interactor.pytest_warning_recorded(warning_message, when, nodeid, location)
        except Exception:  # the suite's own warning class may raise anything
            where = None if location is None else (clean(location[0]), location[1], clean(location[2]))
            self.relay(nodeid, self.interactor.pytest_warning_recorded, cleaned(warning_message), when, clean(nodeid), where)

    def relay(self, nodeid: str, send: Callable[..., object], *arguments: object) -> None:
        """Sends an event, and reports to the agent if execnet cannot carry it.

        Such a value (a lone surrogate, an object in a report's user_properties) must not crash the worker.
        """
        try:
            send(*arguments)
        except (execnet.DumpError, UnicodeEncodeError) as error:
            self.channel.send("not-relayed", nodeid=clean(nodeid), problem=cap(str(error), MESSAGE_BYTES))


class RelayingInteractor(QuietInteractor):
    """Sends the controller each test too, as xdist's own plugin does, for plugins and conftests that need it there."""

    def begin_test(self, index: int, nodeid: str) -> None:
        self.interactor.item_index = index
        self.relay(nodeid, self.notify_scheduler, nodeid)

    def end_test(self) -> None:
        self.notify_scheduler(None)

    def notify_scheduler(self, item_index: str | None) -> None:
        # The only worker event with a value of ours that reaches the scheduler (PassiveScheduler.mark_test_complete).
        self.interactor.sendevent("runtest_protocol_complete", item_index=item_index, duration=0)

    def pytest_runtest_logstart(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        self.relay(nodeid, self.interactor.pytest_runtest_logstart, nodeid, location)

    def pytest_runtest_logfinish(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        self.relay(nodeid, self.interactor.pytest_runtest_logfinish, nodeid, location)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.relay(report.nodeid, self.interactor.pytest_runtest_logreport, report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.relay(report.nodeid, self.interactor.pytest_collectreport, report)

    def late_report(self, item: pytest.Item, report: pytest.TestReport) -> None:
        self.interactor.session.items = [item]
        self.interactor.item_index = 0
        self.pytest_runtest_logreport(report)


class NoInteractor:
    """In pytest's main process, which reports to itself."""

    is_fed = False

    def begin_test(self, index: int, nodeid: str) -> None:
        pass

    def end_test(self) -> None:
        pass

    def late_report(self, item: pytest.Item, report: pytest.TestReport) -> None:
        item.ihook.pytest_runtest_logreport(report=report)


def replace_interactor(pluginmanager: pytest.PytestPluginManager, relays: bool, channel: Channel) -> QuietInteractor | NoInteractor:
    """Replaces xdist's plugin, if there is one, and returns the replacement."""
    interactor = next((plugin for plugin in pluginmanager.get_plugins() if type(plugin).__name__ == "WorkerInteractor"), None)
    if interactor is None:
        return NoInteractor()
    pluginmanager.unregister(interactor)
    stand_in = (RelayingInteractor if relays else QuietInteractor)(interactor, channel)
    pluginmanager.register(stand_in, "shardline-interactors")
    return stand_in
