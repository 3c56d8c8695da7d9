"""The exception of the proof: a line that the rules forbid or cannot judge."""

from __future__ import annotations


class Unproven(Exception):
    """`why` is a phrase for one line, after "hook in place:". `line` counts from 1.

    `path` is set by the function that contains the line.
    """

    def __init__(self, line: int, why: str, path: str | None = None) -> None:
        super().__init__(why)
        self.line = line
        self.why = why
        self.path = path
