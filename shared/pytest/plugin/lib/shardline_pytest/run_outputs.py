"""What plain pytest writes once per run, so that the processes of one run do not overwrite each other's part of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

# Options that empty a directory of results when a process starts.
CLEANING_OPTIONS = ("clean_alluredir",)
# The settings of --junit-xml, with the values for which shardline's file has what pytest's has.
JUNIT_DEFAULTS = (
    ("junit_suite_name", "pytest"),
    ("junit_logging", "no"),
    ("junit_duration_report", "total"),
    ("junit_family", "xunit2"),
)


def junit_path(config: pytest.Config) -> str | None:
    """The absolute path of the JUnit file that the coordinator writes for the whole run in place of pytest; None when pytest writes it."""
    path: str | None = config.getoption("xmlpath", None)
    if not path or config.getoption("junitprefix", None) is not None:
        return None
    if any(config.getini(name) != value for name, value in JUNIT_DEFAULTS):
        return None
    return os.path.normpath(os.path.abspath(os.path.expanduser(os.path.expandvars(path))))


def leave_run_outputs(config: pytest.Config, *, is_first: bool) -> None:
    """Keeps this process from writing the file that the coordinator writes, and from emptying what other processes of the run wrote.

    To be called before the plugins read their options. `is_first`: no process of this run has started before in this workspace.
    """
    if junit_path(config) is not None:
        config.option.xmlpath = None
    if is_first:
        return
    for name in CLEANING_OPTIONS:
        if config.getoption(name, False):
            setattr(config.option, name, False)
