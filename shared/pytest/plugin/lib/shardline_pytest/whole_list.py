"""The list of tests that pytest collected: every item with its key, by file and in order, and what could not be collected."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .arguments import file_of
from .batch import MESSAGE_BYTES, Batch, skip_message
from .cache import stepwise_count
from .channel import cap, clean
from .item_keys import copy_key, is_among, selects, unique_keys
from .list_order import FREE, ListOrder, bound_files, order_of
from .needs import BadMark, Needs

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from .messages import Grants, RunMessage, Selector, TestGroup

NO_SPECULATION = "no_speculation"
# Maximum number of tests in one message of the list.
GROUP_TESTS = 5000


class WholeList:
    """Watches one collection and holds its result. A `rank` is the index of an item in the list."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.root = Path(config.rootpath)
        self.collected: list[pytest.Item] = []
        self.order = ListOrder(FREE)
        # (file, node id, message)
        self.errors: list[tuple[str, str, str]] = []
        self.skipped: dict[str, pytest.CollectReport] = {}
        self.items: list[pytest.Item] = []
        self.keys: list[str] = []
        self.files: list[str] = []
        self.needs: dict[str, Needs] = {}
        # Keys of tests with a mark that cannot be read.
        self.unreadable: set[str] = set()
        self.hash: str | None = None
        self.tail: int | None = None
        self.put_off: list[int] | None = None
        self.is_file: dict[Path, str] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_itemcollected(self, item: pytest.Item) -> None:
        self.collected.append(item)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.errors.append((clean(file_of(report.nodeid)), report.nodeid, cap(report.longreprtext, MESSAGE_BYTES)))
        elif report.skipped:
            # --doctest-modules has two collectors per file.
            self.skipped[copy_key(clean(report.nodeid), self.skipped)] = report

    def finish(self, session: pytest.Session) -> None:
        """Takes the items that all hooks have left."""
        self.items = list(vars(session)["items"])
        self.order = order_of(self.config, self.collected, self.items)
        self.keys = unique_keys(self.items)
        self.files = [self.file_of_item(item) for item in self.items]
        for item, key, file in zip(self.items, self.keys, self.files):
            self.read_needs(item, key, file)
        self.ranks: dict[str, list[int]] = {}
        for rank, file in enumerate(self.files):
            self.ranks.setdefault(file, []).append(rank)
        self.rank_of = {key: rank for rank, key in enumerate(self.keys)}
        self.tail = next((rank for rank, file in enumerate(self.files) if file == "." or file.endswith("/")), None)
        digest = hashlib.sha256()
        for key, file in zip(self.keys, self.files):
            digest.update(f"{file}\n{key}\n".encode())
        self.hash = digest.hexdigest()

    def read_needs(self, item: pytest.Item, key: str, file: str) -> None:
        """A mark that cannot be read is an error of the file, and its test does not run."""
        try:
            needs = Needs(item)
        except BadMark as error:
            self.errors.append((file, item.nodeid, str(error)))
            self.unreadable.add(key)
            return
        if needs:
            self.needs[key] = needs

    def is_unmet(self, rank: int, grants: Grants | None) -> bool:
        """Does the item need more than a task with these grants has?"""
        key = self.keys[rank]
        return key in self.unreadable or (key in self.needs and not self.needs[key].are_met(grants))

    def file_of_item(self, item: pytest.Item) -> str:
        """The item's file below the root; its directory if it has no file; `.` for the session or a path outside."""
        path = Path(item.path)
        known = self.is_file.get(path)
        if known is None:
            known = self.is_file[path] = self.place_of(path)
        return known

    def place_of(self, path: Path) -> str:
        try:
            relative = clean(path.relative_to(self.root).as_posix())
        except ValueError:
            return "."
        return relative if os.path.isfile(path) else relative.rstrip("/") + "/" if relative != "." else "."

    def items_by_file(self) -> Iterator[tuple[str, list[pytest.Item]]]:
        for file, ranks in self.ranks.items():
            yield file, [self.items[rank] for rank in ranks]

    def order_problems(self) -> list[str]:
        return [] if self.order.why is None else [self.order.why]

    # For the plan of the coordinator.

    def groups(self) -> Iterator[TestGroup]:
        """The list in pieces of neighbours from one file, each with at most GROUP_TESTS tests."""
        start = 0
        for rank in range(1, len(self.keys) + 1):
            if rank == len(self.keys) or self.files[rank] != self.files[start] or rank - start == GROUP_TESTS:
                own = [(key, self.needs[key]) for key in self.keys[start:rank] if key in self.needs]
                needs = [each.message(key) for key, each in own]
                yield {"file": self.files[start], "nodeids": self.keys[start:rank], "needs": needs}
                start = rank

    def summary(self) -> dict[str, object]:
        """Describes the list without its tests."""
        return {
            "hash": self.hash,
            "tests": len(self.keys),
            "order": self.order.kind,
            "why": None if self.order.why is None else cap(self.order.why, 1000),
            "tail": self.tail,
            "bound": bound_files(self.items, self.files),
            # Files without a test in the list, but with something to report.
            "others": list(
                dict.fromkeys([file for file, _, _ in self.errors] + [file_of(clean(report.nodeid)) for report in self.skipped.values()])
            ),
            "failed": list(dict.fromkeys(file for file, _, _ in self.errors)),
            "stepwiseCount": stepwise_count(self.config),
        }

    # For tasks.

    def batch(self, task: RunMessage, serial_marker: str) -> Batch:
        """The tests that a task selects, in the order of the list."""
        batch = Batch()
        batch.listed = self.items
        wanted: dict[str, set[int]] = {}
        for selector in task["selectors"]:
            ranks = wanted.setdefault(selector["file"], set())
            ranks.update(self.selected(selector, batch))
        put_off = set() if task["isSerial"] else {rank for ranks in wanted.values() for rank in ranks if self.has_mark(rank, serial_marker)}
        unmet = {rank for ranks in wanted.values() for rank in ranks if self.is_unmet(rank, task["grants"])}
        for file, ranks in wanted.items():
            self.announce(batch, file, sorted(ranks), put_off, unmet)
        ranks = {rank for each in wanted.values() for rank in each} - put_off - unmet
        batch.entries = [(self.items[rank], self.keys[rank], rank) for rank in sorted(ranks)]
        return batch

    def put_off_item(self, rank: int, serial_marker: str) -> pytest.Item | None:
        """The last item that runs after all others; None without one, or if the item at `rank` is one itself."""
        if self.put_off is None:
            self.put_off = [each for each in range(len(self.items)) if self.is_put_off(each, serial_marker)]
        return None if not self.put_off or self.is_put_off(rank, serial_marker) else self.items[self.put_off[-1]]

    def is_put_off(self, rank: int, serial_marker: str) -> bool:
        """Does the item run after all others?"""
        return (self.tail is not None and rank >= self.tail) or self.has_mark(rank, serial_marker)

    def has_mark(self, rank: int, name: str) -> bool:
        return self.items[rank].get_closest_marker(name) is not None

    def selected(self, selector: Selector, batch: Batch) -> list[int]:
        """The ranks of the items that a selector names. Adds an error to the batch for a name that does not exist."""
        file, nodeids = selector["file"], selector["nodeids"]
        excepted = frozenset(selector["except"])
        ranks = self.ranks.get(file, ())
        if nodeids is None:
            return [rank for rank in ranks if not is_among(self.keys[rank], excepted)]
        exact = [self.rank_of[nodeid] for nodeid in nodeids if nodeid in self.rank_of]
        rest = frozenset(nodeid for nodeid in nodeids if nodeid not in self.rank_of)
        wider = [rank for rank in ranks if is_among(self.keys[rank], rest)] if rest else []
        if not selector["mayMiss"]:
            for nodeid in sorted(rest):
                known = nodeid in self.skipped or any(selects(nodeid, self.keys[rank]) for rank in wider)
                if not known and not self.has_failed(file):
                    batch.fail(file, f"not found: {nodeid}")
        return exact + wider

    def announce(self, batch: Batch, file: str, ranks: list[int], put_off: Container[int], unmet: Container[int]) -> None:
        """Adds the messages about a file to the batch."""
        skipped = [key for key, report in self.skipped.items() if file_of(clean(report.nodeid)) == file]
        errors = [(nodeid, message) for failed, nodeid, message in self.errors if failed == file]
        for nodeid, message in errors:
            batch.fail(file, message, nodeid)
        if (
            not errors
            and not ranks
            and not skipped
            and file not in self.ranks
            and not self.has_failed(file)
            and not self.holds_nothing(file)
        ):
            batch.fail(file, f"pytest found no such file in {self.root}")
            return
        if ranks or skipped or not self.has_failed(file):
            nodeids = [self.keys[rank] for rank in ranks] + skipped
            serial = [self.keys[rank] for rank in ranks if rank in put_off]
            may_back_up = not any(self.has_mark(rank, NO_SPECULATION) for rank in ranks)
            batch.announce(
                "collected",
                file=file,
                nodeids=nodeids,
                serial=serial,
                needs=[self.needs[key].message(key) for key in nodeids if key in self.needs],
                unmet=[self.keys[rank] for rank in ranks if rank in unmet],
                mayBackUp=may_back_up,
                digest=None,
                seconds=0.0,
            )
        for nodeid in skipped:
            batch.announce("test-finished", file=file, **skip_message(nodeid, self.skipped[nodeid]))

    def has_failed(self, file: str) -> bool:
        return any(failed in (".", file) or file.startswith(failed + "/") for failed, _, _ in self.errors)

    def holds_nothing(self, file: str) -> bool:
        """Does the file exist, without a test in the list?"""
        return os.path.exists(self.root / file)
