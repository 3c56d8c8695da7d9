import warnings

import pytest

warnings.warn("module", FutureWarning)


@pytest.mark.parametrize("n", range(3))
def test_same(n, old):
    warnings.warn("same")


def test_own():
    warnings.warn(f"own {__name__}")
