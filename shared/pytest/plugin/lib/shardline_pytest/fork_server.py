"""The fork server: a process that has imported pytest and this plugin, but nothing of the user's, and forks into xdist workers.

launch.py forks it before pytest begins. worker_starts.py, in pytest's main process, sends requests. It has one thread, forks one worker for
each request, and reports how that worker ended. It exits when pytest's main process does. Uses the standard library only.
"""

from __future__ import annotations

import builtins
import importlib
import io
import marshal
import os
import select
import signal
import socket
import struct
import sys
import threading
import traceback
from contextlib import suppress
from importlib.machinery import BuiltinImporter
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, TextIO, TypedDict

    class Request(TypedDict):
        """A worker to start. Its standard streams, its working directory and the pipe for its exit code are file descriptors beside it."""

        argv: list[str]
        environment: dict[bytes, bytes]
        umask: int


INTEGER = struct.Struct("<i")
DESCRIPTORS = 5
# With these, coverage.py measures each process from its start, and execnet opens a log for each process.
FORBIDDEN_VARIABLES = ("COV_CORE_", "COVERAGE_PROCESS_", "EXECNET_DEBUG")
# The interpreter, the C library or the loader read these only at the start of a process.
START_VARIABLES = (*FORBIDDEN_VARIABLES, "PYTHON", "LD_", "LC_", "LANG", "TZ", "MALLOC_", "GLIBC_TUNABLES")
# Lines of /proc/self/status that a new process inherits.
INHERITED = "Uid Gid Groups SigBlk SigIgn CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp Cpus_allowed Mems_allowed".split()
# The signals that pytest's main process may outlive.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)

_server: ForkServer | None = None
_refusal: str | None = None


class ForkServer:
    """The end of the connection in pytest's main process, and what was true of the process when the server started."""

    def __init__(self, connection: socket.socket, pid: int, state: Mapping[str, object]) -> None:
        self.connection = connection
        self.pid = pid
        self.state = state

    def close(self) -> None:
        """Ends the server, and waits until it is gone: its processor time then counts as that of pytest."""
        with suppress(OSError):  # the server is gone
            # A process that a plugin forked may hold this end too.
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()
        with suppress(ChildProcessError):  # a plugin waited for all children
            os.waitpid(self.pid, 0)


def begin(path: Sequence[str], held: Sequence[int]) -> str | None:
    """Starts the server, unless something forbids it. Returns None in this process, and in each worker the program that it must run.

    `path` is the `sys.path` of `python -c` without its first entry. `held` are the open file descriptors of this process alone.
    """
    global _server, _refusal
    if sys.platform != "linux":
        return None
    try:
        preload()
        _refusal = refusal()
        if _refusal is not None:
            return None
        state = inherited_state()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        own, others = socket.socketpair()
        pid = os.fork()
    except Exception as error:  # pytest goes on, and reports what is broken
        _refusal = f"{type(error).__name__}: {error}"
        return None
    if pid != 0:
        others.close()
        _server = ForkServer(own, pid, state)
        return None
    try:
        own.close()
        for each in held:
            os.close(each)
        return _serve(others, path)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def server() -> ForkServer | None:
    """The server of this process; None without one."""
    return _server


def why_refused() -> str | None:
    """Why there is no server, in words; None if there is one, or if nothing is lost."""
    return _refusal


def end() -> None:
    """Ends the server, if there is one."""
    global _server
    if _server is not None:
        _server.close()
        _server = None


def preload() -> None:
    """Imports what each worker imports before it reads the user's configuration.

    xdist and other plugins are left out: pytest must import them itself, to rewrite their asserts.
    """
    import execnet  # noqa: F401
    import pytest  # noqa: F401
    from _pytest.config import default_plugins

    for each in default_plugins:
        importlib.import_module("_pytest." + each)
    importlib.import_module("shardline_pytest.plugin")


def refusal() -> str | None:
    """Why a fork of this process differs from a new interpreter, in words; None if it does not."""
    for name in os.environ:
        if name.startswith(FORBIDDEN_VARIABLES):
            return f"{name} is set"
    library = os.path.dirname(os.__file__)
    for name in ("sitecustomize", "usercustomize"):
        file = getattr(sys.modules.get(name), "__file__", None)
        if file is not None and os.path.dirname(file) != library:
            return f"Python runs {file} when it starts"
    if sys.gettrace() is not None or sys.getprofile() is not None:
        return "Python is traced from its start"
    threads = len(os.listdir("/proc/self/task"))
    return f"Python has {threads} threads before pytest starts" if threads > 1 else None


def inherited_state() -> dict[str, object]:
    """What a new process inherits from this one, or reads when it starts, besides what a request has."""
    with open("/proc/self/status", encoding="utf-8", errors="replace") as file:
        lines = dict(line.rstrip().split(":", 1) for line in file)
    state: dict[str, object] = {f"{name} of /proc/self/status": lines.get(name) for name in INHERITED}
    for name in ("limits", "oom_score_adj", "cgroup"):
        with suppress(FileNotFoundError), open(f"/proc/self/{name}", encoding="utf-8") as file:
            state[f"/proc/self/{name}"] = file.read()
    for name in ("root", "ns/user", "ns/mnt", "ns/net", "ns/pid_for_children"):
        with suppress(FileNotFoundError):
            state[f"/proc/self/{name}"] = os.readlink(f"/proc/self/{name}")
    state["its process group"] = (os.getpgrp(), os.getsid(0))
    state["its priority"] = os.nice(0)
    state["sys.executable"] = sys.executable
    for name, value in os.environ.items():
        if name.startswith(START_VARIABLES):
            state[f"the environment variable {name}"] = value
    return state


def _serve(connection: socket.socket, path: Sequence[str]) -> str:
    """Forks a worker for each request. Returns in the workers only, with the program of the worker."""
    previous = {number: signal.getsignal(number) for number in SIGNALS}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)
    _close_inherited()
    # The pipe for the exit code of each worker.
    living: dict[int, int] = {}

    while True:
        ready, _, _ = select.select([connection, wake_read], [], [])
        if wake_read in ready:
            os.read(wake_read, 4096)
            _report_ended(living)
        if connection not in ready:
            continue
        received = _receive(connection)
        if received is None:
            os._exit(0)
        request, descriptors = received
        try:
            pid = os.fork()
        except OSError as error:
            pid = -(error.errno or 1)
        if pid == 0:
            signal.set_wakeup_fd(-1)
            for number in SIGNALS:
                signal.signal(number, previous[number] or signal.SIG_DFL)
            connection.close()
            for each in (wake_read, wake_write, *living.values()):
                os.close(each)
            return _become_worker(request, descriptors, path)
        *shared, status = descriptors
        for each in shared:
            os.close(each)
        if pid > 0:
            living[pid] = status
        else:
            os.close(status)
        connection.sendall(INTEGER.pack(pid))


def _receive(connection: socket.socket) -> tuple[Request, list[int]] | None:
    """The next request; None if pytest's main process is gone."""
    data, descriptors, _, _ = socket.recv_fds(connection, 1, DESCRIPTORS)
    if not data:
        return None
    size = _read(connection, INTEGER.size)
    request = None if size is None else _read(connection, INTEGER.unpack(size)[0])
    return None if request is None else (marshal.loads(request), descriptors)


def _read(connection: socket.socket, size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            return None
        data += part
    return data


def _report_ended(living: dict[int, int]) -> None:
    while living:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        descriptor = living.pop(pid)
        with suppress(BrokenPipeError):  # pytest's main process is gone
            os.write(descriptor, INTEGER.pack(os.waitstatus_to_exitcode(status)))
        os.close(descriptor)


def _close_inherited() -> None:
    """Closes what a program inherits besides its standard streams. Python opens its own files so that programs do not inherit them."""
    for each in [int(name) for name in os.listdir("/proc/self/fd")]:
        try:
            if each > 2 and os.get_inheritable(each):
                os.close(each)
        except OSError:
            pass  # the listing itself


def _become_worker(request: Request, descriptors: Sequence[int], path: Sequence[str]) -> str:
    """Makes this process what `python -u -c PROGRAM` would be, and returns the program.

    The hash seed is that of pytest's main process, and so the same in all its workers. `random` seeds itself anew after a fork.
    """
    *standard, directory, _status = descriptors
    for number, each in enumerate(standard):
        os.dup2(each, number)
    os.fchdir(directory)
    os.umask(request["umask"])
    for each in descriptors:
        os.close(each)

    _change_environment(request["environment"])
    argv = request["argv"]
    sys.argv = argv[-2:-1]
    if hasattr(sys, "orig_argv"):
        sys.orig_argv = argv
    sys.path[:] = path if getattr(sys.flags, "safe_path", False) else ["", *path]
    sys.path_importer_cache.clear()
    sys.stdin = sys.__stdin__ = _unbuffered(sys.stdin, 0)  # type: ignore[misc]  # final for type checkers only
    sys.stdout = sys.__stdout__ = _unbuffered(sys.stdout, 1)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _unbuffered(sys.stderr, 2)  # type: ignore[misc]
    main_thread = threading.main_thread()
    if hasattr(main_thread, "_set_native_id"):
        main_thread._set_native_id()  # Python 3.11 keeps that of the parent

    main = ModuleType("__main__")
    main.__loader__ = BuiltinImporter
    main.__dict__["__builtins__"] = builtins
    if "__annotations__" in sys.modules["__main__"].__dict__:
        main.__annotations__ = {}  # until Python 3.13
    sys.modules["__main__"] = main
    return argv[-1]


def _change_environment(wanted: Mapping[bytes, bytes]) -> None:
    """Changes only what differs: the system refuses to set a variable with an empty name, but a process may inherit one."""
    environment = os.environb
    for name in [each for each in environment if each not in wanted]:
        del environment[name]
    for name, value in wanted.items():
        if environment.get(name) != value:
            environment[name] = value


def _unbuffered(stream: TextIO, number: int) -> Any:
    """The stream that `python -u` would have made. Source: create_stdio in CPython's pylifecycle.c."""
    # `-u` leaves standard input its buffer, but not the text layer above it.
    mode, buffering = ("rb", -1) if number == 0 else ("wb", 0)
    buffer: Any = open(number, mode, buffering, closefd=False)  # noqa: SIM115 - the stream stays open
    getattr(buffer, "raw", buffer).name = stream.name
    made: Any = io.TextIOWrapper(buffer, stream.encoding, stream.errors, "\n", write_through=True)
    made.mode = stream.mode
    return made
