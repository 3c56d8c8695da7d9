"""Adds a fix to the import errors of a suite that relies on `python -m pytest`.

`python -m pytest` adds the current directory to sys.path. shardline, like the `pytest` command, does not.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .hook_types import HookWrapper


class ImportHint:
    """Adds the fix when a test file or conftest needs a module of the current directory."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.directory = Path(config.invocation_params.dir)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_make_collect_report(self) -> HookWrapper:
        outcome = yield
        if outcome.excinfo is not None:
            return
        report = outcome.get_result()
        call = getattr(report, "call", None)
        hint = self.hint(call.excinfo.value) if report.failed and call is not None and call.excinfo is not None else None
        if hint is None:
            return
        if isinstance(getattr(report.longrepr, "longrepr", None), str):
            report.longrepr.longrepr += "\n" + hint
        elif hasattr(report.longrepr, "addsection"):
            report.longrepr.addsection("shardline", hint)

    def amend(self, error: BaseException | None) -> None:
        """Adds the fix to the error of a conftest that pytest loads at its start. pytest prints that error itself."""
        cause = missing_module(error)
        hint = self.hint(error)
        if cause is not None and hint is not None:
            cause.msg = f"{cause.msg}\n{hint}"

    def hint(self, error: BaseException | None) -> str | None:
        """The text to add; None when the current directory is not the cause."""
        cause = missing_module(error)
        name = None if cause is None else cause.name
        if not name or not any(path.exists() for path in (self.directory / name, self.directory / (name + ".py"))):
            return None
        if any(os.path.realpath(path) == os.path.realpath(str(self.directory)) for path in sys.path):
            return None
        return (
            f"{name} is in the current directory, which `python -m pytest` adds to sys.path and `pytest` does not. "
            "shardline runs `pytest`.\n"
            f"Fix: Set {self.setting()}, or the environment variable PYTHONPATH=."
        )

    def setting(self) -> str:
        """The line of pytest's configuration that adds the directory."""
        ini = None if self.config.inipath is None else Path(self.config.inipath)
        path = os.path.relpath(str(self.directory), str(self.config.rootpath))
        if ini is not None and ini.name == "pyproject.toml":
            return f'`pythonpath = ["{path}"]` in pyproject.toml'
        return f"`pythonpath = {path}` in {'pytest.ini' if ini is None else ini.name}"


def missing_module(error: BaseException | None) -> ModuleNotFoundError | None:
    """The ModuleNotFoundError that is this error or caused it, else None."""
    while error is not None and not isinstance(error, ModuleNotFoundError):
        error = error.__cause__
    return error
