import pytest


@pytest.mark.dependency(scope="session")
def test_1():
    pass
