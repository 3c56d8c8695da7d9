"""Shapes of the JSON that crosses the process boundary, for type checkers only: nothing imports this module while pytest runs.

The other side is shared/pytest/session-file.ts (settings), agent/pytest/session (to the plugin) and agent/pytest/codec.ts (from it).
"""

from __future__ import annotations

from typing import Literal, Optional, TypedDict, Union


class Limits(TypedDict):
    """Sizes in bytes."""

    tracebackBytes: int
    sectionBytes: int


class CacheValues(TypedDict):
    """What pytest keeps in its cache for `--lf`, `--nf` and `--sw`."""

    lastfailed: list[str]
    nodeids: list[str]
    stepwise: object


class _Settings(TypedDict):
    mode: Literal["discover", "measure", "stream"]
    resultPath: str
    ownArgs: list[str]
    pytestArgs: list[str]
    lastArgs: list[str]
    serialMarker: str
    maxAutoWorkers: int | None
    # With "measure" only.
    recordPath: str
    listsImports: bool
    # With "stream" only.
    ordinal: int
    socket: str
    coverageFile: str | None
    relay: Literal["auto", "always", "never"]
    mayMiss: bool
    harmless: list[str]
    maxWorkerBytes: int
    maxWorkerFiles: int
    limits: Limits


class SessionSettings(_Settings, total=False):
    """What launch.py reads: how this pytest session works for the agent. A key that belongs to one mode is missing in the others."""

    cache: CacheValues | None
    stopsItself: bool
    # Set by the controller for its xdist workers: do they relay their reports to it?
    relays: bool


# `except` is a keyword.
Selector = TypedDict(
    "Selector",
    {"file": str, "nodeids": Optional[list[str]], "except": list[str], "mayMiss": bool},
)
"""Tests of one file. `nodeids` is None for all of them."""


class Load(TypedDict):
    """Modules that a test file loaded; `file` is None if no test file did."""

    file: str | None
    modules: list[str]


class BeginMessage(TypedDict):
    """The first message to a worker: how to collect."""

    kind: Literal["begin"]
    collect: Literal["file", "suite"]
    proves: bool
    # Test files that the worker imports before its first file.
    companions: list[str]
    loads: list[Load]
    # File → the error to report in place of a collection that kills the worker.
    deadly: dict[str, str]


class Grants(TypedDict):
    """The labels of the agent, and the units of each resource that a task holds."""

    labels: list[str]
    resources: dict[str, int]


class TestNeeds(TypedDict):
    """What one test needs."""

    nodeid: str
    labels: list[str]
    resources: dict[str, int]


class RunMessage(TypedDict):
    """A task. `claim` is the directory whose creation takes it; None for a task that no other worker can take."""

    kind: Literal["run"]
    task: int
    claim: str | None
    isSerial: bool
    # None runs every test, whatever it needs.
    grants: Grants | None
    selectors: list[Selector]


class StopMessage(TypedDict):
    """Run no further test of this task."""

    kind: Literal["stop"]
    task: int


class NumberedMessage(TypedDict):
    """The answer to `workers-wanted`."""

    kind: Literal["numbered"]
    ids: list[int]
    numbers: list[int]


class BareMessage(TypedDict):
    """`listening`: the answer to `listens`. `send-list`: send the whole list of tests.

    `none`: no other task waits. `end`: no task follows.
    """

    kind: Literal["listening", "send-list", "none", "end"]


AgentMessage = Union[BeginMessage, RunMessage, StopMessage, NumberedMessage, BareMessage]


class CollectError(TypedDict):
    nodeid: str
    message: str


class Phase(TypedDict):
    """One report of a test: its set-up, call or teardown, or a subtest of it."""

    when: str
    outcome: str
    seconds: float
    xfailReason: str | None
    isSubtest: bool
    message: str | None
    crash: str | None


class Section(TypedDict):
    """Captured output."""

    title: str
    text: str


class Warned(TypedDict):
    """Equal warnings. `file` is relative to the root directory if it is below it; `line` counts from 1, and is 0 if unknown."""

    category: str
    message: str
    file: str
    line: int
    count: int


class Property(TypedDict):
    """What `record_property` recorded."""

    name: str
    value: str


class TestGroup(TypedDict):
    """Neighbours in the list of tests that belong to one file."""

    file: str
    nodeids: list[str]
    needs: list[TestNeeds]


class Proof(TypedDict):
    """What the collection of the whole list shows; `problems` is None if the worker proves nothing."""

    problems: list[str] | None
    # Pairs of file and digest.
    digests: list[list[str]]
    loads: list[Load]
