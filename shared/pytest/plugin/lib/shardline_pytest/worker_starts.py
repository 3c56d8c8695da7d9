"""In the controller, starts xdist workers by fork where that equals a new interpreter, and as execnet does where it does not."""

from __future__ import annotations

import marshal
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from .fork_server import INTEGER, inherited_state, server, why_refused
from .private_api import missing_start_api

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from execnet import XSpec

    from .channel import Channel
    from .fork_server import ForkServer

# The longest that a fork may take.
FORK_SECONDS = 10


class ForkedProcess:
    """What execnet and controller.py use of subprocess.Popen, for a child of the fork server."""

    def __init__(self, args: list[str], pid: int, stdin: int, stdout: int, status: int) -> None:
        self.args = args
        self.pid = pid
        self.stdin = os.fdopen(stdin, "wb")
        self.stdout = os.fdopen(stdout, "rb")
        self.stderr = None
        self.returncode: int | None = None
        # The fork server writes the exit code to this pipe. -1 once it is read.
        self._status = status
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """The exit code; None if the process runs, or if the fork server is gone."""
        try:
            return self.wait(0)
        except (OSError, subprocess.TimeoutExpired):
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Raises TimeoutExpired, and ChildProcessError if the fork server is gone."""
        if not self._lock.acquire(timeout=-1 if timeout is None else timeout):
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        try:
            if self.returncode is None:
                self.returncode = self._read_status(timeout)
            return self.returncode
        finally:
            self._lock.release()

    def _read_status(self, timeout: float | None) -> int:
        if self._status != -1:
            ready = select.poll()
            ready.register(self._status, select.POLLIN)
            if not ready.poll(None if timeout is None else timeout * 1000):
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            written = os.read(self._status, INTEGER.size)
            os.close(self._status)
            self._status = -1
            if written:
                code: int = INTEGER.unpack(written)[0]
                return code
        raise ChildProcessError(f"the process that started worker {self.pid} is gone")

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class WorkerStarts:
    """Registered in the process that starts xdist workers."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.server = server()
        self.why_not = why_refused()
        self.reported: str | None = None
        self.living: list[ForkedProcess] = []

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_xdist_setupnodes(self, config: pytest.Config, specs: list[XSpec]) -> None:
        if self.server is None:
            self.report(self.why_not)
            return
        dsession: Any = config.pluginmanager.get_plugin("dsession")
        group = dsession.nodemanager.group
        missing = missing_start_api(group)
        if missing is not None:
            self.report(missing)
        elif len(group) > 0:
            self.report("--px has started processes")  # execnet then refuses the change
        else:
            group.set_execmodel(forking(group.execmodel, self.start), group.remote_execmodel)

    def start(self, args: list[str], own: Callable[[], Any]) -> Any:
        """A process that runs `args`; `own` starts it as execnet does."""
        # Each waiting exit code holds an open file.
        self.living = [each for each in self.living if each.poll() is None]
        if self.server is None:
            return own()
        try:
            why = difference(self.server, args)
            if why is None:
                forked = fork(self.server, args)
                if isinstance(forked, ForkedProcess):
                    self.living.append(forked)
                    return forked
                why = forked
        except OSError as error:
            # A late answer would count as the answer to the next request.
            self.server = None
            why = f"the fork server failed: {error}"
        self.report(why)
        return own()

    def report(self, why: str | None) -> None:
        if why is not None and why != self.reported:
            self.reported = why
            self.channel.send("not-forked", why=why)


def forking(model: Any, start: Callable[[list[str], Callable[[], Any]], Any]) -> Any:
    """The execution model of a group that starts processes with `start`. execnet uses `subprocess` of the model for nothing else."""
    subprocess_ = model.subprocess

    def popen(args: list[str], **streams: Any) -> Any:
        return start(args, lambda: subprocess_.Popen(args, **streams))

    class ForkingModel(type(model)):  # type: ignore[misc]  # the class is known at run time only
        subprocess = SimpleNamespace(PIPE=subprocess_.PIPE, Popen=popen)

    return ForkingModel()


def difference(server: ForkServer, args: list[str]) -> str | None:
    """Why a fork would differ from `args` as a new process, in words; None if it would not."""
    from execnet.gateway_io import popen_bootstrapline

    if args != [sys.executable, "-u", "-c", popen_bootstrapline]:
        return f"xdist starts {args[0]} with other arguments"
    now = inherited_state()
    for name in sorted({*now, *server.state}):
        if now.get(name) != server.state.get(name):
            return f"{name} changed after pytest started"
    return None


def fork(server: ForkServer, args: list[str]) -> ForkedProcess | str:
    """Starts `args` by fork, or returns why the system refuses it. Raises OSError if the fork server is gone or late."""
    umask = os.umask(0)
    os.umask(umask)
    request = marshal.dumps({"argv": args, "environment": dict(os.environb), "umask": umask})
    stdin, to_stdin = os.pipe()
    from_stdout, stdout = os.pipe()
    status, to_status = os.pipe()
    theirs, ours = [stdin, stdout, to_status], [to_stdin, from_stdout, status]
    try:
        theirs.append(os.open(".", os.O_PATH | os.O_DIRECTORY))
        connection = server.connection
        connection.settimeout(FORK_SECONDS)
        socket.send_fds(connection, [b"f"], [stdin, stdout, 2, theirs[-1], to_status])
        connection.sendall(INTEGER.pack(len(request)) + request)
        answer = connection.recv(INTEGER.size)
        if len(answer) < INTEGER.size:
            raise ChildProcessError("it exited")
        pid = INTEGER.unpack(answer)[0]
        if pid < 0:
            return f"a fork failed: {os.strerror(-pid)}"
        process = ForkedProcess(args, pid, to_stdin, from_stdout, status)
        ours = []
        return process
    finally:
        for each in (*theirs, *ours):
            os.close(each)
