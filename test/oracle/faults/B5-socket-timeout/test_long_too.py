import time


def test_long_too():
    time.sleep(1)
