import time

import pytest


@pytest.mark.dependency(depends=["test_1.py::test_1"], scope="session")
def test_2():
    time.sleep(0.3)
    assert 0
