"""What a report says of a failure, as text: all of it, and the one line of pytest's short summary."""

import re
from io import StringIO

try:
    from _pytest._io import TerminalWriter
except ImportError:  # private: without it the first line of a traceback loses its indentation
    TerminalWriter = None

BLANK_LINES = re.compile(r"\A(?:[ \t]*\n)+")


def text_of(report):
    """pytest's `longreprtext`, with the indentation of its first line, which that strips: it may be a line of code."""
    if TerminalWriter is None or not hasattr(report.longrepr, "toterminal"):
        return report.longreprtext
    file = StringIO()
    writer = TerminalWriter(file)
    writer.hasmarkup = False
    report.toterminal(writer)
    return BLANK_LINES.sub("", file.getvalue()).rstrip()


def crash_line(report):
    """`ValueError: not here`, the first line of pytest's crash message; None where pytest has none."""
    try:
        message = report.longrepr if isinstance(report.longrepr, str) else report.longrepr.reprcrash.message
        return str(message).split("\n", 1)[0]
    except Exception:  # no such attribute, or a suite's own __str__ that raises
        return None
