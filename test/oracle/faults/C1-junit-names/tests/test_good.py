import pytest


class TestOuter:
    class TestInner:
        @pytest.mark.parametrize("v", ["a::b", "x[1]", "a/b.py", "", " ", "é"])
        def test_v(self, v):
            pass
