"""The text of a failed report: all of it, and the one line of pytest's short summary."""

from __future__ import annotations

import re
from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    import pytest

writer_class: type[TerminalWriter] | None
try:
    from _pytest._io import TerminalWriter

    writer_class = TerminalWriter
except ImportError:  # private: without it, the first line of a traceback loses its indentation
    writer_class = None

BLANK_LINES = re.compile(r"\A(?:[ \t]*\n)+")


def text_of(report: pytest.TestReport) -> str:
    """pytest's `longreprtext`, but with the indentation of its first line, which may be a line of code."""
    if writer_class is None or not hasattr(report.longrepr, "toterminal"):
        return report.longreprtext
    file = StringIO()
    writer = writer_class(file)
    writer.hasmarkup = False
    report.toterminal(writer)
    return BLANK_LINES.sub("", file.getvalue()).rstrip()


def crash_line(report: pytest.TestReport) -> str | None:
    """`ValueError: not here`: the first line of pytest's crash message; None without one."""
    try:
        longrepr: Any = report.longrepr
        message = longrepr if isinstance(longrepr, str) else longrepr.reprcrash.message
        return str(message).split("\n", 1)[0]
    except Exception:  # no such attribute, or the suite's __str__ raises
        return None
