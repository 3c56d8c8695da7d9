import pytest


def test_prints():
    print("p f\udcf6")


def test_skips():
    pytest.skip("s f\udcf6")


def test_fails():
    assert not "a f\udcf6"
