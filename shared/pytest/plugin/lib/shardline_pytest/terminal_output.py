"""Sends the agent what pytest's main process prints: the header, the summaries of other plugins, and what the options ask to show.

Captures each plugin's summary where it is printed. Leaves out pytest's own summaries, as the coordinator prints them for the whole run.
"""

from __future__ import annotations

import contextlib
import functools
import io
import platform
import sys
from typing import TYPE_CHECKING

import pluggy
import pytest

from .channel import cap, clean
from .controller_needs import place_of
from .private_api import set_function
from .warning_tally import WarningTally, as_message, described

if TYPE_CHECKING:
    import warnings
    from collections.abc import Callable, Generator, Iterator
    from contextlib import AbstractContextManager
    from typing import Any

    from _pytest.terminal import TerminalReporter
    from pluggy import HookImpl

    from .channel import Channel
    from .hook_types import HookWrapper
    from .messages import Limits
    from .warning_tally import WarningKey

HEADER_BYTES = 4_000
HEADER_LINES = 50
SECTION_LIMIT = 50
# A summary by pytest or xdist would cover one session. The coordinator makes pytest-cov's reports from all sessions.
NOT_SHOWN = frozenset(["_pytest", "pytest_cov", "shardline_pytest", "xdist"])


class TerminalOutput:
    """Registered in pytest's main process."""

    def __init__(self, config: pytest.Config, limits: Limits, channel: Channel) -> None:
        self.config = config
        self.section_bytes = limits["sectionBytes"]
        self.channel = channel
        self.lines: list[str | list[str]] | None = None
        self.sections: dict[str, str] = {}
        self.early: WarningTally[WarningKey] = WarningTally()
        self.has_workers = False

    # Handles warnings before the first xdist worker starts. Later, xdist forwards those of the workers.
    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, when: str, nodeid: str) -> None:
        if self.has_workers or when != "config":
            return
        key = described(warning_message, str(self.config.rootpath))
        count = self.early.add(key)
        if count > 0:
            message = as_message(key, count)
            self.channel.send("shown", what="warning", when=str(when), nodeid=clean(nodeid) if nodeid else None, warning=message)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: object) -> None:
        self.has_workers = True

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_report_header(self) -> HookWrapper:
        outcome = yield
        if outcome.excinfo is None:
            self.lines = list(reversed(outcome.get_result()))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None:
            return
        if self.lines is None:  # pytest skips the header with -q or --no-header
            self.config.hook.pytest_report_header(config=self.config, start_path=self.config.invocation_params.dir)
        python, system = platform.python_version(), sys.platform
        lines = [f"platform {system} -- Python {python}, pytest-{pytest.__version__}, pluggy-{pluggy.__version__}"]
        for each in self.lines or []:
            lines.extend([each] if isinstance(each, str) else each)
        self.channel.send(
            "shown",
            what="header",
            lines=[cap(str(line), HEADER_BYTES) for line in lines[:HEADER_LINES]],
            asked=asked_for(self.config, reporter),
        )

    # Wraps the hook of the terminal reporter, which prints the summaries.
    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> HookWrapper:
        caught = self.catch_summaries()
        yield
        for implementation, function in caught:
            set_function(implementation, function)
        for title, text in list(self.sections.items())[:SECTION_LIMIT]:
            if text.strip() != "":
                self.channel.send("shown", what="section", title=clean(title), text=cap(text, self.section_bytes))

    def catch_summaries(self) -> list[tuple[HookImpl, Callable[..., Any]]]:
        """Wraps each plugin's pytest_terminal_summary, and returns the implementations with their own functions."""
        reporter: Any = self.config.pluginmanager.get_plugin("terminalreporter")
        caught: list[tuple[HookImpl, Callable[..., Any]]] = []
        if not hasattr(getattr(reporter, "_tw", None), "_file"):
            return caught
        for implementation in self.config.hook.pytest_terminal_summary.get_hookimpls():
            function = implementation.function
            module = getattr(function, "__module__", None) or ""
            if module.partition(".")[0] in NOT_SHOWN:
                continue
            catching = functools.partial(self.catching, reporter, title_of(implementation, self.config))
            is_wrapper = implementation.hookwrapper or getattr(implementation, "wrapper", False)
            try:
                set_function(implementation, functools.partial(caught_steps if is_wrapper else caught_call, function, catching))
            except AttributeError:
                continue
            caught.append((implementation, function))
        return caught

    @contextlib.contextmanager
    def catching(self, reporter: TerminalReporter, title: str) -> Iterator[None]:
        """Captures what is printed under this title, and then prints it."""
        writer = reporter._tw
        file, text = writer._file, io.StringIO()
        writer._file = text
        try:
            with contextlib.redirect_stdout(text):
                yield
        finally:
            writer._file = file
            self.sections[title] = self.sections.get(title, "") + text.getvalue()
            with contextlib.suppress(UnicodeEncodeError):
                writer.write(text.getvalue())


def title_of(implementation: HookImpl, config: pytest.Config) -> str:
    """The title of a section: the name of its plugin, or the path of its conftest."""
    place = place_of(implementation, config)
    return place.removeprefix("the plugin ")


def caught_call(function: Callable[..., Any], catching: Callable[[], AbstractContextManager[None]], *arguments: object) -> Any:
    """Calls a hook implementation and captures its output."""
    with catching():
        return function(*arguments)


def caught_steps(
    function: Callable[..., Any], catching: Callable[[], AbstractContextManager[None]], *arguments: object
) -> Generator[Any, Any, Any]:
    """Runs a hook wrapper, and captures the output of each of its steps, but not of the hooks that it wraps."""
    steps = function(*arguments)
    step = functools.partial(next, steps)
    while True:
        try:
            with catching():
                given = step()
        except StopIteration as stop:
            return stop.value
        try:
            sent = yield given
        except GeneratorExit:
            steps.close()
            raise
        except BaseException as thrown:
            step = functools.partial(steps.throw, thrown)
        else:
            step = functools.partial(steps.send, sent)


def asked_for(config: pytest.Config, reporter: TerminalReporter) -> dict[str, object]:
    """What the options ask pytest to show at its end; `-r` as pytest resolves it."""
    durations = config.getoption("durations", None)
    least = config.getoption("durations_min", None)
    if least is None:
        least = 0.005 if config.getoption("verbose", 0) < 2 else 0.0
    return {
        "outcomes": clean("" if config.getoption("no_summary", False) else str(reporter.reportchars)),
        "durations": durations if isinstance(durations, int) and durations >= 0 else None,
        "leastSeconds": float(least),
    }
