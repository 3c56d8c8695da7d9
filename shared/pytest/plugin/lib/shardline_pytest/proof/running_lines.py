"""Which lines of some functions ran: by `sys.monitoring`, or below Python 3.12 by a trace of these functions alone, chained to a tracer that is there."""

import sys

TOOL_NAME = "shardline"
# 0 to 2 and 5 belong to debuggers, coverage, profilers and optimisers by convention.
TOOL_IDS = (4, 3)


def running_lines():
    monitoring = getattr(sys, "monitoring", None)
    if monitoring is not None:
        for tool in TOOL_IDS:
            if monitoring.get_tool(tool) in (None, TOOL_NAME):
                return MonitoredLines(monitoring, tool)
    return TracedLines()


class MonitoredLines:
    """Costs one call for each line of a watched function, the first time that the line runs."""

    def __init__(self, monitoring, tool):
        self.ran = {}
        self.monitoring = monitoring
        self.tool = tool
        self.is_on = False
        self.is_first = True

    def start(self):
        monitoring = self.monitoring
        if monitoring.get_tool(self.tool) is None:
            monitoring.use_tool_id(self.tool, TOOL_NAME)
        monitoring.register_callback(self.tool, monitoring.events.LINE, self.on_line)
        monitoring.register_callback(self.tool, monitoring.events.PY_START, self.on_start)
        self.is_on = True
        for code in self.ran:
            monitoring.set_local_events(self.tool, code, self.events())
        if self.is_first:
            # A line that an earlier proof in this process has seen is switched off until now.
            monitoring.restart_events()
            self.is_first = False

    def stop(self):
        if self.is_on:
            self.is_on = False
            for code in self.ran:
                self.monitoring.set_local_events(self.tool, code, 0)
            self.monitoring.register_callback(self.tool, self.monitoring.events.LINE, None)
            self.monitoring.register_callback(self.tool, self.monitoring.events.PY_START, None)
            self.monitoring.free_tool_id(self.tool)

    def watch(self, code):
        self.ran.setdefault(code, set())
        if self.is_on:
            self.monitoring.set_local_events(self.tool, code, self.events())

    def events(self):
        return self.monitoring.events.LINE | self.monitoring.events.PY_START

    def on_start(self, code, offset):
        # The body of a function that is one line long has no line event of its own (Python 3.13).
        return self.on_line(code, code.co_firstlineno)

    def on_line(self, code, line):
        lines = self.ran.get(code)
        if lines is not None:
            lines.add(line)
        return self.monitoring.DISABLE

    def observe(self, hookimpl):
        """Nothing: events come from the code itself."""

    def release(self):
        """Nothing was wrapped."""


class TracedLines:
    """Traces while a hook implementation runs, and records in watched functions only."""

    def __init__(self):
        self.ran = {}
        self.wrapped = []
        self.is_on = False
        self.previous = None

    def start(self):
        self.is_on = True

    def stop(self):
        self.is_on = False

    def watch(self, code):
        self.ran.setdefault(code, set())

    def observe(self, hookimpl):
        """Puts a function of the same behaviour in the place of the implementation's own, until `release`."""
        function = hookimpl.function

        def traced(*args):
            result = self.during(function, args)
            return Stepwise(self, result) if hasattr(result, "send") and hasattr(result, "throw") else result

        traced.__name__ = getattr(function, "__name__", "hook")
        traced.__module__ = getattr(function, "__module__", None)
        traced.__wrapped__ = function
        hookimpl.function = traced
        self.wrapped.append((hookimpl, function))

    def release(self):
        for hookimpl, function in self.wrapped:
            hookimpl.function = function
        self.wrapped = []

    def during(self, function, args):
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

    def trace(self, frame, event, arg):
        previous = self.previous
        inner = None
        if previous is not None:
            inner = previous(frame, event, arg)
            if sys.gettrace() != self.trace:
                sys.settrace(self.trace)  # coverage puts itself back at each call
        lines = self.ran.get(frame.f_code)
        if lines is None:
            return inner
        lines.add(frame.f_code.co_firstlineno)
        return LineTrace(lines, inner)


class LineTrace:
    """The trace of one frame; passes every event on to the tracer that was there."""

    __slots__ = ("inner", "lines")

    def __init__(self, lines, inner):
        self.lines = lines
        self.inner = inner

    def __call__(self, frame, event, arg):
        if event == "line":
            self.lines.add(frame.f_lineno)
        if self.inner is not None:
            self.inner = self.inner(frame, event, arg)
        return self


class Stepwise:
    """The generator of a hook wrapper, traced in each of its steps."""

    def __init__(self, lines, generator):
        self.lines = lines
        self.generator = generator

    def __iter__(self):
        return self

    def __next__(self):
        return self.lines.during(next, (self.generator,))

    def send(self, value):
        return self.lines.during(self.generator.send, (value,))

    def throw(self, *error):
        return self.lines.during(self.generator.throw, error)

    def close(self):
        return self.lines.during(self.generator.close, ())

    def __getattr__(self, name):
        return getattr(self.generator, name)  # pluggy names a wrapper that is wrong by gi_code and gi_frame
