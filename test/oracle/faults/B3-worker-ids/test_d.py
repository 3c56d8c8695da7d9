import time


def test_uses(database):
    time.sleep(0.4)
    assert database
