"""Every worker collects the whole list, as under plain xdist, and then runs the tests of the list that its tasks select."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .channel import clean
from .whole_list import WholeList

if TYPE_CHECKING:
    from typing import NoReturn

    from .batch import Batch
    from .channel import Channel
    from .hook_types import HookWrapper
    from .messages import Proof, RunMessage
    from .separability import Separability
    from .task import Task


class FileByFile:
    """Reports the file that is being collected. If a file kills its worker, the next worker reports it as an error and continues."""

    def __init__(self, config: pytest.Config, channel: Channel, deadly: dict[str, str]) -> None:
        self.root = config.rootpath
        self.channel = channel
        self.deadly = deadly

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> HookWrapper:
        if not isinstance(collector, pytest.File) or isinstance(collector, pytest.Package):
            yield
            return
        file = clean(collector.nodeid.split("::")[0])
        if file in self.deadly:
            # Collecting the file would kill this worker too.
            message = self.deadly[file]
            collector.collect = lambda: raise_collect_error(collector, message)  # type: ignore[method-assign]  # of this node only
        self.channel.send("collecting", task=0, file=file)
        outcome = yield
        if outcome.excinfo is None:
            self.channel.send("file-collected", file=file)


def raise_collect_error(collector: pytest.Collector, message: str) -> NoReturn:
    raise collector.CollectError(message)


class SuiteSource:
    """The source of tests of a worker that collects the whole list. See `Source`.

    With a `separability`, the collection also shows whether a later run may collect file by file.
    """

    def __init__(
        self,
        config: pytest.Config,
        session: pytest.Session,
        channel: Channel,
        serial_marker: str,
        separability: Separability | None,
        deadly: dict[str, str],
    ) -> None:
        self.session = session
        self.channel = channel
        self.serial_marker = serial_marker
        self.separability = separability
        self.list = WholeList(config)
        config.pluginmanager.register(self.list, "shardline-whole-list")
        config.pluginmanager.register(FileByFile(config, channel, deadly), "shardline-file-by-file")
        if separability is not None:
            separability.begin(session)

    def watch_reads(self) -> None:
        if self.separability is not None:
            self.separability.finish(self.session)
            self.separability.end_collection()
            self.separability.watch_reads()

    def begin(self) -> None:
        """Describes the list. The agent compares the lists of its workers, and asks one of them for its tests."""
        self.channel.send("listed", **self.list.summary())

    def send_list(self) -> None:
        """Sends all tests of the list."""
        for group in self.list.groups():
            self.channel.send("list-group", **group)
        self.channel.send("list-end", hash=self.list.hash, **self.proof())

    def proof(self) -> Proof:
        if self.separability is None:
            return {"problems": None, "digests": [], "loads": []}
        digests = [[file, self.separability.digest(items, file)] for file, items in self.list.items_by_file()]
        problems = self.separability.whole_problems(self.session) + self.list.order_problems()
        return {"problems": problems, "digests": digests, "loads": self.separability.loads(self.list.items)}

    def portions(self, message: RunMessage) -> list[RunMessage]:
        """One portion per task: its tests run in the order of the list, not of its selectors."""
        return [message]

    is_spent = False

    def batch(self, portion: RunMessage, task: int) -> Batch:
        return self.list.batch(portion, self.serial_marker)

    def upcoming(self, task: Task) -> pytest.Item | None:
        return task.ahead[-1].test[0] if task.fill() else None

    def put_off_item(self, rank: int) -> pytest.Item | None:
        return self.list.put_off_item(rank, self.serial_marker)
