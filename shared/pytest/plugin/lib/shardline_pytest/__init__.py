"""shardline's plugin for pytest. This module holds the session of the process and needs no pytest; `-p` loads `plugin`.

Uses the standard library only. Runs in the user's interpreter (Python 3.9 or later) with pytest 7.0 and pytest-xdist 3.0 or later.
"""

from __future__ import annotations

import platform
import re
from importlib import metadata
from typing import TYPE_CHECKING

from .stdlib import real

if TYPE_CHECKING:
    import pytest

    from .messages import SessionSettings

_session = None


def begin(session: SessionSettings) -> None:
    """Sets the session of this process. launch.py calls it before pytest starts."""
    global _session
    _session = session


def session_of(config: pytest.Config) -> SessionSettings | None:
    """The session that launch.py (or, in an xdist worker, the controller) gave to this process; None without one."""
    workerinput = getattr(config, "workerinput", None)
    if workerinput is None:
        return _session
    return real.decode(workerinput["shardline"]) if "shardline" in workerinput else None


def missing_package() -> dict[str, str] | None:
    """The first package that is missing or too old, as {"package", "problem"}, else None.

    Imports neither, because pytest must import them itself to rewrite asserts.
    """
    for package, least in (("pytest", 7), ("pytest-xdist", 3)):
        try:
            version = metadata.version(package)
        except metadata.PackageNotFoundError:
            return {"package": package, "problem": "it is not installed"}
        major = re.match(r"\d+", version)
        if major is not None and 0 < int(major.group()) < least:
            return {"package": package, "problem": f"it is version {version}"}
    return None


def versions() -> dict[str, str]:
    """The versions of the interpreter and of both packages."""
    return {"python": platform.python_version(), "pytest": metadata.version("pytest"), "xdist": metadata.version("pytest-xdist")}


def write_result(session: SessionSettings, result: object) -> None:
    """Writes the result of a discovery, or why pytest cannot start. The file appears complete or not at all."""
    path = session["resultPath"]
    with real.open(path + ".part", "w", encoding="utf-8") as file:
        file.write(real.encode(result))
    real.replace(path + ".part", path)
