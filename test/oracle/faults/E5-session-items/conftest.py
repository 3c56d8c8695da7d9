import pytest


@pytest.fixture(scope="session")
def total(request):
    assert request.session.testscollected == len(request.session.items)
    return len(request.session.items)
