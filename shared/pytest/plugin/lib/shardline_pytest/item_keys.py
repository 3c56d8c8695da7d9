"""Unique keys for the items of one list: pytest's node id, with a suffix for each further item with that id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .channel import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Sequence

    import pytest

# Also in shared/domain/ids.ts. Reports show the node id without it.
COPY_MARK = "\x1e"
KEY = "_shardline_key"


def unique_keys(items: Sequence[pytest.Item]) -> list[str]:
    """One key per item, in order. The second item of a node id gets `<id><mark>2`, the third `<id><mark>3`."""
    taken: set[str] = set()
    copies: dict[str, int] = {}
    keys: list[str] = []
    for item in items:
        nodeid = clean(item.nodeid)
        key = nodeid
        while key in taken:
            copies[nodeid] = copies.get(nodeid, 1) + 1
            key = nodeid + COPY_MARK + str(copies[nodeid])
        taken.add(key)
        keys.append(key)
    return keys


def copy_key(nodeid: str, taken: Container[str]) -> str:
    """The node id, or its first copy that is not taken."""
    key, number = nodeid, 1
    while key in taken:
        number += 1
        key = nodeid + COPY_MARK + str(number)
    return key


def key_of(item: pytest.Item) -> str:
    """The key of a running item. A plugin may run an item that has none, which gets its node id."""
    return getattr(item, KEY, None) or clean(item.nodeid)


def is_among(key: str, selected: Collection[str]) -> bool:
    """Does one of the selected ids name this test, its class, or it without its parameters?"""
    if key in selected:
        return True
    file, _, rest = key.partition("::")
    names = rest.partition("[")[0].split("::")
    return any("::".join([file, *names[:count]]) in selected for count in range(len(names), 0, -1))


def selects(selected: str, key: str) -> bool:
    """Does `selected` name this test, its class, or it without its parameters?"""
    return key == selected or (key.startswith(selected) and key[len(selected) :].startswith(("::", "[")))
