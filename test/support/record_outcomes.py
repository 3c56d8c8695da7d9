"""A pytest plugin that writes what pytest itself counted, as JSON, to the file named by RECORD_OUTCOMES: `outcomes` by node id, and `uncollected`,
the sorted files (or directories, for their conftest) of which something could not be collected.

It shares nothing with shardline's plugin, so that the two can be compared.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter


# Where a test is counted twice the later of these is what became of it: a failure in a call comes before an error in the teardown.
CATEGORIES = ("passed", "skipped", "xfailed", "xpassed", "error", "failed")


def shown(nodeid: str) -> str:
    """No encoding can carry a lone surrogate."""
    return nodeid.encode("utf-8", "backslashreplace").decode("utf-8")


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    outcomes = {}
    uncollected = set()
    for category in CATEGORIES:
        for report in terminalreporter.stats.get(category, ()):
            nodeid = getattr(report, "nodeid", None)
            if nodeid is None:
                continue
            if category == "error" and report.when == "collect":
                uncollected.add(shown(nodeid).split("::")[0] or ".")
            else:
                outcomes[shown(nodeid)] = category
    with open(os.environ["RECORD_OUTCOMES"], "w", encoding="utf-8") as out:
        json.dump({"outcomes": outcomes, "uncollected": sorted(uncollected)}, out)
