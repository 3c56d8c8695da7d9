"""Starts pytest as the `pytest` command does, and loads shardline's plugin: `python launch.py SESSION.json`.

The suite sees nothing of shardline in sys.argv, in front of its own entries of sys.path, or in the environment (except SHARDLINE_WORKER,
which the plugin sets later). Uses the standard library only.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys


def main() -> int | str:
    """Runs pytest with the session file that sys.argv names; returns the exit code.

    Returns the program of an xdist worker in each process that the fork server forks.
    """
    here = os.path.dirname(os.path.abspath(__file__))
    with open(sys.argv[1], encoding="utf-8") as file:
        session = json.load(file)
    alive = watch_parent()
    # The agent may have inherited an ignored SIGINT (`nohup`, `&`). pytest must receive interrupts anyway.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    scripts = os.path.dirname(sys.executable)
    sys.argv = [os.path.join(scripts, "pytest"), *session["pytestArgs"]]
    is_first = bool(sys.path) and os.path.abspath(sys.path[0]) == here
    worker_path = sys.path[1:] if is_first else sys.path[:]
    if is_first:
        sys.path[0] = scripts  # as the `pytest` command sets it
    sys.path.append(os.path.join(here, "lib"))

    import shardline_pytest

    problem = shardline_pytest.missing_package()
    if problem is not None:
        shardline_pytest.write_result(session, {"problem": problem})
        return 4
    from shardline_pytest import fork_server

    # Each worker gets its session from its controller.
    if session["mode"] == "stream" and "-n0" not in session["ownArgs"]:
        program = fork_server.begin(worker_path, [alive])
        if program is not None:
            return program
    shardline_pytest.begin(session)

    import pytest

    try:
        return pytest.main([*session["ownArgs"], *session["pytestArgs"], *session["lastArgs"]])
    finally:
        fork_server.end()


def watch_parent() -> int:
    """Kills this process group when the agent that started it dies: the agent holds the other end of our standard input.

    A separate process watches. A thread would turn every fork of a test into the fork of a multi-threaded process. The process forks twice,
    so that no test waits for it as its child, and exits when pytest does: when the returned file descriptor is closed in all processes.
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
    return alive_write


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
    outcome = main()
    if isinstance(outcome, int):
        sys.exit(outcome)
    exec(outcome, sys.modules["__main__"].__dict__)
