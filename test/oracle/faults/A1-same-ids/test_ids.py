import pytest


@pytest.mark.parametrize("last", ["z", "y-z"])
@pytest.mark.parametrize("first", ["x-y", "x"])
def test_join(first, last):
    assert (first, last) != ("x", "y-z")


@pytest.mark.parametrize("right", ["", "-"])
@pytest.mark.parametrize("left", ["", "-"])
def test_strip(left, right):
    assert not (left == "" and right == "-")
