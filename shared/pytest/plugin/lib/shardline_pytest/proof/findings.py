"""Shapes of what the proof finds, for type checkers only: nothing imports this module while pytest runs."""

from __future__ import annotations

from typing import TypedDict


class Finding(TypedDict):
    """`place` is `tests/conftest.py:12`; `why` is a phrase that follows it."""

    place: str
    why: str


class Problem(Finding):
    """`hook` names the hook, method or function that is not proven harmless."""

    hook: str
