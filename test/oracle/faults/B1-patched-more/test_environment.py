import os
from unittest import mock

import pytest


@pytest.fixture(scope="module", autouse=True)
def bare():
    keep = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTEST_CURRENT_TEST")}
    with mock.patch.dict(os.environ, keep, clear=True):
        yield


def test_one():
    assert "HOME" not in os.environ


def test_two():
    assert "HOME" not in os.environ
