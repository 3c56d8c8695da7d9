import time


def test_b():
    time.sleep(0.3)
    open("leftover", "w").close()
