import os
import sys

import pytest


@pytest.fixture(scope="session", autouse=True)
def elsewhere(tmp_path_factory):
    os.chdir(tmp_path_factory.mktemp("x"))
    os.environ["MODE"] = "fixture"
    sys.path.insert(0, os.getcwd())
