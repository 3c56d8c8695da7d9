import importlib
from unittest import mock

import pytest

PATCHED = [
    "json.loads",
    "json.JSONEncoder.encode",
    "os._exit",
    "os.close",
    "os.dup",
    "os.getppid",
    "os.kill",
    "os.path.relpath",
    "os.pipe",
    "os.read",
    "os.write",
    "select.select",
    "socket.create_connection",
    "socket.fromfd",
    "socket.socket",
    "threading.current_thread",
    "threading.Event",
    "threading.Lock",
    "threading.Thread",
    "threading.Timer",
    "time.monotonic",
    "time.perf_counter",
    "time.sleep",
    "time.time",
    "time.time_ns",
]


@pytest.fixture(scope="module", params=PATCHED)
def patched(request):
    module, name = request.param.split(".", 1)
    holder = importlib.import_module(module)
    *path, last = name.split(".")
    for part in path:
        holder = getattr(holder, part)
    with mock.patch.object(holder, last, side_effect=RuntimeError("patched")):
        yield request.param


@pytest.mark.parametrize("n", range(2))
def test_runs(patched, n):
    assert patched
