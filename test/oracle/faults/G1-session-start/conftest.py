import os
import shutil
import time


def pytest_sessionstart(session):
    if os.environ.get("PYTEST_XDIST_WORKER") == "gw1":
        time.sleep(1)
    shutil.rmtree("work", ignore_errors=True)
    os.makedirs("work")
