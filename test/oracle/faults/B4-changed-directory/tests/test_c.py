import json
import os

import pytest

CASES = json.load(open("tests/cases.json"))
MODE = os.environ.get("MODE", "start")


@pytest.mark.parametrize("case", CASES)
def test_case(case):
    assert case
    assert MODE == "start"
