"""Types of pytest's hooks, for type checkers only: nothing imports this module while pytest runs."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from pluggy import Result

# An old-style hook wrapper, which pytest 7 understands too. What the wrapped hook returns depends on the hook.
HookWrapper = Generator[None, Result[Any], None]
