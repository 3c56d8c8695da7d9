import json
from unittest import mock

import pytest


@pytest.fixture(scope="module", autouse=True)
def dumps():
    with mock.patch("json.dumps", return_value="{}"):
        yield


@pytest.mark.parametrize("n", range(60))
def test_dumps(n):
    assert json.dumps(n) == "{}"
