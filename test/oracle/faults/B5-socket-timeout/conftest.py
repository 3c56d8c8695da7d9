import os
import socket

import pytest

socket.setdefaulttimeout(0.05)


@pytest.fixture(scope="session", autouse=True)
def once():
    os.makedirs("setups", exist_ok=True)
    with open(f"setups/{os.getpid()}", "x"):
        pass
    assert len(os.listdir("setups")) <= 2, "more sessions than workers"
