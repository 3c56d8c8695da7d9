"""Collects in the state of the process at the start of the session, not in the state that tests and fixtures left."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .stdlib import real

if TYPE_CHECKING:
    from collections.abc import Iterator

ENVIRONMENT = os.environ


class State:
    """The working directory, the environment and sys.path."""

    def __init__(self) -> None:
        self.directory = real.getcwd()
        self.environment = dict(ENVIRONMENT)
        self.path = list(sys.path)

    def put(self) -> None:
        """Makes the process have this state."""
        if self.directory is not None and self.directory != real.getcwd():
            real.chdir(self.directory)
        if self.environment != dict(ENVIRONMENT):
            for name in [each for each in ENVIRONMENT if each not in self.environment]:
                del ENVIRONMENT[name]
            ENVIRONMENT.update(self.environment)
        if self.path != sys.path:
            sys.path[:] = self.path


class StartState:
    """Switches between the state for collections and the state for tests."""

    def __init__(self) -> None:
        self.start = State()

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Restores the start state for a collection.

        As in plain pytest, changes by the collection itself stay: for later collections, and on sys.path for tests too.
        """
        current = State()
        self.start.put()
        try:
            yield
        finally:
            added = [each for each in sys.path if each not in self.start.path]
            self.start = State()
            current.path[:0] = [each for each in added if each not in current.path]
            current.put()
