"""The functions of the standard library that the plugin calls while tests run, bound at import: tests patch any of them, some for a whole module.

They are attributes of one object, as freezegun and pyfakefs replace the globals of every module.
"""

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

# Each calls another of its own methods through its class, where a patch would reach it.
_encoder = json.JSONEncoder(separators=(",", ":"))
_encoder.iterencode = _encoder.iterencode
_decoder = json.JSONDecoder()
_decoder.raw_decode = _decoder.raw_decode


def _now(time_=time.time, modules=sys.modules):
    # time-machine changes the C function itself and keeps the real one here.
    escape_hatch = getattr(modules.get("time_machine"), "escape_hatch", None)
    return time_() if escape_hatch is None else escape_hatch.time.time()


def _getcwd(getcwd=os.getcwd):
    """None where the directory is gone."""
    try:
        return getcwd()
    except FileNotFoundError:
        return None


real = SimpleNamespace(
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
)
