import time


def test_fails():
    time.sleep(0.3)
    assert 0
