"""Finds code that reads `session.items` or `session.testscollected` and is not part of pytest, xdist or shardline.

In collection by file it sees the items of one file only, so the run may differ from plain pytest's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..stdlib import real
from .modules import is_own, place, top_package
from .observed_items import ObservedItems

if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from types import CodeType, FrameType
    from typing import Any

    import pytest

    from .findings import Finding


class ForeignReads:
    """Reports each place once. `exempt` names top-level packages whose reads were reviewed as harmless."""

    def __init__(self, root: str, exempt: frozenset[str] = frozenset(), on_found: Callable[[Finding], None] | None = None) -> None:
        self.root = root
        self.exempt = exempt
        self.on_found = on_found
        self.found: dict[tuple[CodeType, int], str] = {}

    def watch(self, session: pytest.Session) -> None:
        """Watches the session from now on, by a subclass with the same name."""
        kind: Any = type(session)
        if getattr(kind, "shardline_reads", None) is not None:
            kind.shardline_reads = self
            return
        names = {
            "__module__": kind.__module__,
            "__doc__": kind.__doc__,
            "__qualname__": kind.__qualname__,
            "shardline_reads": self,
            "items": property(read_items, write_items),
            "testscollected": property(read_count, write_count),
        }
        items = vars(session).get("items", [])
        session.__class__ = type(kind)(kind.__name__, (kind,), names)
        session.items = items

    def read(self, code: CodeType, line: int, what: str) -> None:
        key = (code, line)
        if key in self.found:
            return
        self.found[key] = what
        if self.on_found is not None:
            self.on_found(self.describe(code, line, what))

    def places(self, excused: Container[CodeType] = frozenset()) -> list[Finding]:
        """The reads so far, without those in `excused` code objects."""
        return [self.describe(code, line, what) for (code, line), what in self.found.items() if code not in excused]

    def describe(self, code: CodeType, line: int, what: str) -> Finding:
        name = "session.testscollected" if what == "testscollected" else "the list of items"
        return {"place": place(code.co_filename, line, self.root), "why": f"reads {name}"}

    def notice(self, frame: FrameType, what: str) -> None:
        """Records a read by this frame."""
        name = frame.f_globals.get("__name__")
        if not is_own(name) and top_package(name) not in self.exempt:
            self.read(frame.f_code, frame.f_lineno, what)


def read_items(session: Any) -> object:
    session.shardline_reads.notice(real.frame(1), "items")
    return vars(session)["items"]


def write_items(session: Any, items: list[pytest.Item]) -> None:
    if type(items) is list:
        items = ObservedItems(items, session.shardline_reads.notice)
    vars(session)["items"] = items


def read_count(session: Any) -> object:
    session.shardline_reads.notice(real.frame(1), "testscollected")
    return vars(session)["testscollected"]


def write_count(session: Any, count: int) -> None:
    vars(session)["testscollected"] = count
