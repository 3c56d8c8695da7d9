"""Files that plain pytest writes once per run: keeps the processes of one run from overwriting each other's files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

# Options that empty a directory of results when a process starts.
CLEANING_OPTIONS = ("clean_alluredir",)
# Options that name a file which pytest's main process writes: --junit-xml, --html, --json-report-file, --report-log, --cucumberjson.
FILE_OPTIONS = ("xmlpath", "htmlpath", "json_report_file", "report_log", "cucumber_json_path")
# Caches in the working directory that two processes cannot open at the same time: the option that uses one, the variable that moves it, and
# its usual place. mypy locks a database.
CACHES = (("mypy", "MYPY_CACHE_DIR", ".mypy_cache"),)
# The settings of --junit-xml, with the values for which shardline's file has what pytest's has.
JUNIT_DEFAULTS = (
    ("junit_suite_name", "pytest"),
    ("junit_logging", "no"),
    ("junit_duration_report", "total"),
    ("junit_family", "xunit2"),
)


def junit_path(config: pytest.Config) -> str | None:
    """The absolute path of the JUnit file that the coordinator writes for the whole run instead of pytest; None if pytest writes it."""
    path: str | None = config.getoption("xmlpath", None)
    if not path or config.getoption("junitprefix", None) is not None:
        return None
    if any(config.getini(name) != value for name, value in JUNIT_DEFAULTS):
        return None
    return os.path.normpath(os.path.abspath(os.path.expanduser(os.path.expandvars(path))))


def leave_run_outputs(config: pytest.Config, ordinal: int) -> None:
    """Keeps this process from writing the file that the coordinator writes, and from removing what other processes of the run wrote.

    Call this before the plugins read their options. `ordinal` counts the pytest processes of this run in this workspace from 0; it is
    negative if that is unknown, and in xdist workers.
    """
    option = config.option
    if junit_path(config) is not None:
        option.xmlpath = None
    if ordinal != 0:
        for name in CLEANING_OPTIONS:
            if getattr(option, name, False):
                setattr(option, name, False)
    if ordinal > 0:
        for name in FILE_OPTIONS:
            path = getattr(option, name, None)
            if isinstance(path, str) and path != "":
                setattr(option, name, numbered(path, ordinal + 1))
        for name, variable, directory in CACHES:
            if getattr(option, name, False):
                os.environ.setdefault(variable, f"{directory}-{ordinal + 1}")


def numbered(path: str, number: int) -> str:
    """`report-2.html` for `report.html`."""
    stem, extension = os.path.splitext(path)
    return f"{stem}-{number}{extension}"
