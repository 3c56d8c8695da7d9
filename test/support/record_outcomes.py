"""A pytest plugin that writes what pytest counted, as JSON, to the file named by RECORD_OUTCOMES.

`outcomes` maps node ids to categories. `uncollected` lists the files (or directories, for a conftest) that could not be collected. It
shares no code with shardline's plugin, so that the two can be compared.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

# If pytest counts a test twice, the later of these categories is its outcome: a failed call beats an error in the teardown.
CATEGORIES = ("passed", "skipped", "xfailed", "xpassed", "error", "failed")


def shown(nodeid: str) -> str:
    """Escapes lone surrogates, which no encoding can carry."""
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
