import pytest


@pytest.mark.focus
def test_b():
    pass


def test_more():
    pass
