"""The list of a session's items, which reports the code that reads or changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..stdlib import real

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType
    from typing import Any

    import pytest

NOTICED = (
    "__add__ __contains__ __delitem__ __eq__ __getitem__ __iadd__ __imul__ __iter__ __len__ __mul__ __reversed__ __rmul__ __setitem__ "
    "append clear copy count extend index insert pop remove reverse sort"
).split()


class ObservedItems(list["pytest.Item"]):
    """A list that calls `on_read(frame, method)` with the frame that reads or changes it."""

    __hash__ = None

    def __init__(self, items: Iterable[pytest.Item], on_read: Callable[[FrameType, str], None]) -> None:
        list.__init__(self, items)
        self.on_read = on_read

    def __reduce__(self) -> tuple[type, tuple[list[pytest.Item]]]:
        return (list, (list(self),))


def noticing(name: str) -> Callable[..., Any]:
    """The method of this name, which reports the call first."""
    plain = getattr(list, name)

    def method(self: ObservedItems, *args: Any, **options: Any) -> Any:
        self.on_read(real.frame(1), name)
        return plain(self, *args, **options)

    method.__name__ = name
    return method


for _name in NOTICED:
    setattr(ObservedItems, _name, noticing(_name))
