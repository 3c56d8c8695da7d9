import pytest


@pytest.mark.parametrize("n", range(4))
def test_n(n):
    assert (__name__, n) != ("test_c", 2)
