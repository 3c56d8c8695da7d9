import os

import pytest


@pytest.mark.forked
def test_dies():
    os.kill(os.getpid(), 9)


def test_lives():
    pass


def test_fails():
    assert 0
