import time

import pytest


@pytest.mark.parametrize("step", range(4))
def test_a_slow_answer_is_waited_for(step):
    started = time.monotonic()
    time.sleep(0.05)
    assert time.monotonic() >= started
