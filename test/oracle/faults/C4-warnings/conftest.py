import warnings

import pytest

warnings.warn("conftest", UserWarning)


@pytest.fixture
def old():
    warnings.warn("fixture", DeprecationWarning)
