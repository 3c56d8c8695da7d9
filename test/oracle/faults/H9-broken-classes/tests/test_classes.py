import pytest


class TestFirst:
    @pytest.mark.parametrize("missing", [1])
    def test_one(self):
        pass


class TestSecond:
    @pytest.mark.parametrize("missing", [1])
    def test_two(self):
        pass


class TestThird:
    def test_three(self):
        pass


def test_four():
    pass
