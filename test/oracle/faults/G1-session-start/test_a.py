import time


def test_writes():
    open("work/a", "w").close()


def test_waits():
    time.sleep(2)


def test_reads():
    open("work/a").close()
