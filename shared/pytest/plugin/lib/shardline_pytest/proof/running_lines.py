"""Records which lines of some functions ran.

Uses `sys.monitoring`, or before Python 3.12 a trace of these functions alone, chained to an existing tracer.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ..private_api import set_function

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType
    from typing import Any

    from pluggy import HookImpl

TOOL_NAME = "shardline"
# By convention, 0 to 2 and 5 belong to debuggers, coverage, profilers and optimizers.
TOOL_IDS = (4, 3)


def running_lines() -> MonitoredLines | TracedLines:
    """The recorder for this interpreter."""
    monitoring = getattr(sys, "monitoring", None)
    if monitoring is not None:
        for tool in TOOL_IDS:
            if monitoring.get_tool(tool) in (None, TOOL_NAME):
                return MonitoredLines(monitoring, tool)
    return TracedLines()


class MonitoredLines:
    """Costs one call per line of a watched function, the first time that the line runs."""

    def __init__(self, monitoring: Any, tool: int) -> None:
        self.ran: dict[CodeType, set[int]] = {}
        self.monitoring = monitoring
        self.tool = tool
        self.is_on = False
        self.is_first = True

    def start(self) -> None:
        monitoring = self.monitoring
        if monitoring.get_tool(self.tool) is None:
            monitoring.use_tool_id(self.tool, TOOL_NAME)
        monitoring.register_callback(self.tool, monitoring.events.LINE, self.on_line)
        monitoring.register_callback(self.tool, monitoring.events.PY_START, self.on_start)
        self.is_on = True
        for code in self.ran:
            monitoring.set_local_events(self.tool, code, self.events())
        if self.is_first:
            # Turns lines on again that an earlier proof in this process has seen.
            monitoring.restart_events()
            self.is_first = False

    def stop(self) -> None:
        if self.is_on:
            self.is_on = False
            for code in self.ran:
                self.monitoring.set_local_events(self.tool, code, 0)
            self.monitoring.register_callback(self.tool, self.monitoring.events.LINE, None)
            self.monitoring.register_callback(self.tool, self.monitoring.events.PY_START, None)
            self.monitoring.free_tool_id(self.tool)

    def watch(self, code: CodeType) -> None:
        self.ran.setdefault(code, set())
        if self.is_on:
            self.monitoring.set_local_events(self.tool, code, self.events())

    def events(self) -> int:
        events: int = self.monitoring.events.LINE | self.monitoring.events.PY_START
        return events

    def on_start(self, code: CodeType, offset: int) -> object:
        # The body of a one-line function has no line event (Python 3.13).
        return self.on_line(code, code.co_firstlineno)

    def on_line(self, code: CodeType, line: int) -> object:
        lines = self.ran.get(code)
        if lines is not None:
            lines.add(line)
        return self.monitoring.DISABLE

    def observe(self, hookimpl: HookImpl) -> None:
        """Does nothing: events come from the code itself."""

    def release(self) -> None:
        """Does nothing: nothing was wrapped."""


class TracedLines:
    """Traces while a hook implementation runs, and records in watched functions only."""

    def __init__(self) -> None:
        self.ran: dict[CodeType, set[int]] = {}
        self.wrapped: list[tuple[HookImpl, Callable[..., Any]]] = []
        self.is_on = False
        self.previous: Any = None

    def start(self) -> None:
        self.is_on = True

    def stop(self) -> None:
        self.is_on = False

    def watch(self, code: CodeType) -> None:
        self.ran.setdefault(code, set())

    def observe(self, hookimpl: HookImpl) -> None:
        """Replaces the implementation's function by one that traces, until `release`."""
        function = hookimpl.function

        def traced(*args: Any) -> Any:
            result = self.during(function, args)
            return Stepwise(self, result) if hasattr(result, "send") and hasattr(result, "throw") else result

        traced.__name__ = getattr(function, "__name__", "hook")
        traced.__module__ = getattr(function, "__module__", None) or ""
        traced.__wrapped__ = function  # type: ignore[attr-defined]  # as functools.wraps does
        set_function(hookimpl, traced)
        self.wrapped.append((hookimpl, function))

    def release(self) -> None:
        """Restores the functions."""
        for hookimpl, function in self.wrapped:
            set_function(hookimpl, function)
        self.wrapped = []

    def during(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Calls the function with the trace on."""
        previous = sys.gettrace()
        if not self.is_on or previous == self.trace:
            return function(*args)
        self.previous = previous
        sys.settrace(self.trace)
        try:
            return function(*args)
        finally:
            sys.settrace(previous)
            self.previous = None

    def trace(self, frame: FrameType, event: str, arg: Any) -> Any:
        previous = self.previous
        inner = None
        if previous is not None:
            inner = previous(frame, event, arg)
            if sys.gettrace() != self.trace:
                sys.settrace(self.trace)  # coverage restores its own trace at each call
        lines = self.ran.get(frame.f_code)
        if lines is None:
            return inner
        lines.add(frame.f_code.co_firstlineno)
        return LineTrace(lines, inner)


class LineTrace:
    """The trace of one frame. Passes every event on to the tracer that was there."""

    __slots__ = ("inner", "lines")

    def __init__(self, lines: set[int], inner: Any) -> None:
        self.lines = lines
        self.inner = inner

    def __call__(self, frame: FrameType, event: str, arg: Any) -> LineTrace:
        if event == "line":
            self.lines.add(frame.f_lineno)
        if self.inner is not None:
            self.inner = self.inner(frame, event, arg)
        return self


class Stepwise:
    """The generator of a hook wrapper, traced in each of its steps."""

    def __init__(self, lines: TracedLines, generator: Any) -> None:
        self.lines = lines
        self.generator = generator

    def __iter__(self) -> Stepwise:
        return self

    def __next__(self) -> Any:
        return self.lines.during(next, (self.generator,))

    def send(self, value: object) -> Any:
        return self.lines.during(self.generator.send, (value,))

    def throw(self, *error: Any) -> Any:
        return self.lines.during(self.generator.throw, error)

    def close(self) -> Any:
        return self.lines.during(self.generator.close, ())

    def __getattr__(self, name: str) -> Any:
        return getattr(self.generator, name)  # pluggy reports a wrong wrapper by its gi_code and gi_frame
