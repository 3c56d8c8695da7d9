"""The functions of the standard library that the plugin calls while tests run, bound at import, because tests may patch any of them.

They are attributes of one object, because freezegun and pyfakefs replace the globals of every module.
"""

from __future__ import annotations

import collections
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, ModuleType
    from typing import IO, Any, NoReturn

    class Functions:
        """The attributes of `real`."""

        Popen: type[subprocess.Popen[bytes]]
        TimeoutExpired: type[subprocess.TimeoutExpired]
        Signals: type[signal.Signals]
        chdir: Callable[[str], None]
        close: Callable[[int], None]
        decode: Callable[[str], Any]
        deque: type[collections.deque[Any]]
        encode: Callable[[object], str]
        exit_at_once: Callable[[int], NoReturn]
        frame: Callable[[int], FrameType]
        getcwd: Callable[[], str | None]
        getpid: Callable[[], int]
        getrusage: Callable[[int], resource.struct_rusage]
        mkdir: Callable[[str], None]
        now: Callable[[], float]
        open: Callable[..., IO[Any]]
        perf_counter: Callable[[], float]
        replace: Callable[[str, str], None]
        select: Callable[..., tuple[list[Any], list[Any], list[Any]]]
        socket: type[socket.socket]
        sysconf: Callable[[str], int]
        write: Callable[[int, bytes], int]


# Each calls another of its own methods through its class, where a patch would reach it. Bind those to the instance.
_encoder = json.JSONEncoder(separators=(",", ":"))
_encoder.iterencode = _encoder.iterencode  # type: ignore[method-assign]  # bound to the instance
_decoder = json.JSONDecoder()
_decoder.raw_decode = _decoder.raw_decode  # type: ignore[method-assign]  # bound to the instance


def _now(time_: Callable[[], float] = time.time, modules: dict[str, ModuleType] = sys.modules) -> float:
    # time-machine patches the C function itself, and keeps the real one here.
    """Seconds since the epoch."""
    escape_hatch = getattr(modules.get("time_machine"), "escape_hatch", None)
    return time_() if escape_hatch is None else escape_hatch.time.time()


def _getcwd(getcwd: Callable[[], str] = os.getcwd) -> str | None:
    """The working directory; None if it is gone."""
    try:
        return getcwd()
    except FileNotFoundError:
        return None


real = cast(
    "Functions",
    SimpleNamespace(
        Popen=subprocess.Popen,
        TimeoutExpired=subprocess.TimeoutExpired,
        Signals=signal.Signals,
        chdir=os.chdir,
        close=os.close,
        decode=_decoder.decode,
        deque=collections.deque,
        encode=_encoder.encode,
        exit_at_once=os._exit,
        frame=sys._getframe,
        getcwd=_getcwd,
        getpid=os.getpid,
        getrusage=resource.getrusage,
        mkdir=os.mkdir,
        now=_now,
        open=open,
        perf_counter=time.perf_counter,
        replace=os.replace,
        select=select.select,
        socket=socket.socket,
        sysconf=os.sysconf,
        write=os.write,
    ),
)
