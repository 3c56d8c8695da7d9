"""A digest of what collecting one file gave, equal in every process.

Covers the items in order, with their own marks, and the deselected items.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    import pytest

MAX_ELEMENTS = 1000
PLAIN = (type(None), bool, int, float, complex, str, bytes)


def file_digest(items: Iterable[pytest.Item], deselected: Iterable[pytest.Item] = ()) -> str:
    """SHA-256 in hex. `items` are in their order of execution, with repeated ids; all are of one file."""
    marks: dict[int, tuple[pytest.Mark, str]] = {}
    lines = []
    for kind, nodes in (("item", items), ("deselected", deselected)):
        for item in nodes:
            own = [described_mark(mark, marks) for mark in getattr(item, "own_markers", ())]
            lines.append(f"{kind} {item.nodeid!r} {' '.join(own)}")
    return hashlib.sha256("\n".join(lines).encode("utf-8", "backslashreplace")).hexdigest()


def described_mark(mark: pytest.Mark, known: dict[int, tuple[pytest.Mark, str]]) -> str:
    """A digest of a mark. Items of one function share marks, so `known` holds each digest, and the mark, so that its id stays unique."""
    if id(mark) not in known:
        # The ids of the items name the parameters. Their values may differ in each process, as `tuple({"a", 1})` does.
        told = (mark.args[:1], {}) if mark.name == "parametrize" else (mark.args, mark.kwargs)
        text = f"{mark.name}({stable(told[0])}, {stable(told[1])})"
        known[id(mark)] = (mark, hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16])
    return known[id(mark)][1]


def stable(value: Any, depth: int = 0) -> str:
    """A text for plain data; only the type for all else. Free of addresses and of the order of sets."""
    if type(value) in PLAIN:
        return repr(value)
    if depth > 6:
        return "…"
    if isinstance(value, dict):
        pairs = [f"{stable(key, depth + 1)}: {stable(each, depth + 1)}" for key, each in list(value.items())[:MAX_ELEMENTS]]
        return f"{{{', '.join(sorted(pairs))}}}{len(value)}"
    if isinstance(value, (set, frozenset)):
        parts = sorted(stable(each, depth + 1) for each in value)
        return f"set({', '.join(parts[:MAX_ELEMENTS])}){len(value)}"
    if isinstance(value, (list, tuple)):
        parts = [stable(each, depth + 1) for each in value[:MAX_ELEMENTS]]
        return f"{type(value).__name__}({', '.join(parts)}){len(value)}"
    name = getattr(value, "__qualname__", None)
    if isinstance(name, str):
        return f"{getattr(value, '__module__', None)}.{name.replace('<locals>.', '')}"
    return f"<{type(value).__module__}.{type(value).__qualname__}>"
