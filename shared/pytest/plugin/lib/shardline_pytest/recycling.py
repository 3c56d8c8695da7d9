"""Decides when a fed xdist worker ends and another replaces it: after a task, by its memory or by the number of files that it ran."""

from __future__ import annotations

from subprocess import PIPE

from .stdlib import real

# The key that marks a recycled worker in its workeroutput, for our scheduler in the controller.
RECYCLED = "shardline_recycled"


class Recycling:
    """Counts against the limits. A limit of 0 means none."""

    def __init__(self, max_rss_bytes: int, max_files: int) -> None:
        self.max_rss_bytes = max_rss_bytes
        self.max_files = max_files
        self.files = 0
        self.is_recycled = False

    def count(self, files: int) -> None:
        self.files += files

    def is_due(self) -> bool:
        if 0 < self.max_files <= self.files:
            return True
        return self.max_rss_bytes > 0 and rss_bytes() > self.max_rss_bytes


def rss_bytes() -> int:
    """The current resident memory of this process, in bytes. getrusage knows only the peak."""
    try:
        with real.open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * real.sysconf("SC_PAGE_SIZE")
    except FileNotFoundError:  # macOS
        with real.Popen(["/bin/ps", "-o", "rss=", "-p", str(real.getpid())], stdout=PIPE) as listing:
            return int(listing.communicate()[0]) * 1024
