"""Starts pytest as the `pytest` command would, with shardline's plugin beside it: `python launch.py SESSION.json`.

Nothing of shardline shows in the environment (but SHARDLINE_WORKER, later), in sys.argv or before the user's own entries of sys.path. Standard library only.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys


def main() -> int:
    here = os.path.dirname(os.path.abspath(__file__))
    with open(sys.argv[1], encoding="utf-8") as file:
        session = json.load(file)
    watch_parent()
    # Whoever started the agent may have it ignore SIGINT (`nohup`, `&`); an interrupt must reach pytest all the same.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    scripts = os.path.dirname(sys.executable)
    sys.argv = [os.path.join(scripts, "pytest"), *session["pytestArgs"]]
    if sys.path and os.path.abspath(sys.path[0]) == here:
        sys.path[0] = scripts  # what the `pytest` command has there
    sys.path.append(os.path.join(here, "lib"))

    import shardline_pytest

    problem = shardline_pytest.missing_package()
    if problem is not None:
        shardline_pytest.write_result(session, {"problem": problem})
        return 4
    shardline_pytest.begin(session)

    import pytest

    return pytest.main([*session["ownArgs"], *session["pytestArgs"], *session["lastArgs"]])


def watch_parent() -> None:
    """Ends this whole process group when whoever started it is gone: they hold the other end of our standard input.

    A process of its own, twice forked so that it is nobody's child: a thread would make every fork of a test one of a
    multi-threaded process. It ends when pytest does.
    """
    pytest_pid = os.getpid()
    alive_read, alive_write = os.pipe()
    child = os.fork()
    if child == 0:
        if os.fork() != 0:
            os._exit(0)
        try:
            _watch(pytest_pid, alive_read, alive_write)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(alive_read)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _watch(pytest_pid: int, alive_read: int, alive_write: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.close(alive_write)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    while True:
        ready, _, _ = select.select([0, alive_read], [], [])
        if alive_read in ready:
            return
        if not os.read(0, 4096):
            break
    if os.getpgrp() == pytest_pid:
        os.killpg(pytest_pid, signal.SIGKILL)
    else:
        os.kill(pytest_pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
