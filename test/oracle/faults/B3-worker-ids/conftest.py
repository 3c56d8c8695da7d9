import os

import pytest


@pytest.fixture(scope="session")
def database(worker_id):
    assert os.environ.get("PYTEST_XDIST_WORKER", "master") == worker_id
    os.mkdir(f"db_{worker_id}")
    return worker_id
