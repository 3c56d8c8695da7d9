"""A pytest plugin that writes what pytest itself counted: one `category<TAB>node id` a line, to the file named by RECORD_OUTCOMES.

It shares nothing with shardline's plugin, so that the two can be compared.
"""

import os

CATEGORIES = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")


def pytest_terminal_summary(terminalreporter):
    lines = []
    for category in CATEGORIES:
        for report in terminalreporter.stats.get(category, ()):
            nodeid = getattr(report, "nodeid", None)
            if nodeid is not None:
                lines.append("%s\t%s\n" % (category, nodeid))
    with open(os.environ["RECORD_OUTCOMES"], "w", encoding="utf-8") as out:
        out.writelines(lines)
