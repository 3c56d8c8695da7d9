import time

import pytest


@pytest.mark.parametrize("n", range(3))
def test_keeps(tmp_path, n):
    (tmp_path / "x").write_text("x")
    time.sleep(0.2)
    assert (tmp_path / "x").read_text() == "x"
