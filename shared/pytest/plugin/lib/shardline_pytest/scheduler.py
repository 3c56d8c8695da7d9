"""xdist's scheduler in the controller of a fed session. It schedules nothing, because the agent does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .recycling import RECYCLED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import pytest
    from xdist.workermanage import WorkerController


class PassiveScheduler:
    """Replaces recycled xdist workers until one ends in order.

    Where workers relay reports, it knows which test each one runs.
    """

    collection_is_completed = True
    has_pending = True

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.nodes: list[WorkerController] = []
        self.running: dict[WorkerController, str] = {}
        self.tests_finished = False

    def add_node(self, node: WorkerController) -> None:
        self.nodes.append(node)

    def remove_node(self, node: WorkerController) -> str | None:
        """The node id of the test that crashed the worker, for xdist to report; None without one.

        Raises KeyError like xdist's own schedulers.
        """
        if node not in self.nodes:
            raise KeyError(node)
        self.nodes.remove(node)
        crashed = self.running.pop(node, None)
        if not hasattr(node, "workeroutput"):
            return crashed
        dsession: Any = self.config.pluginmanager.get_plugin("dsession")
        if node.workeroutput.get(RECYCLED) and not dsession.shuttingdown:
            # What xdist does for a crashed worker, without reporting a crash.
            dsession._clone_node(node)
        else:
            self.tests_finished = True
        return None

    def mark_test_complete(self, node: WorkerController, item_index: str | None, duration: float = 0) -> None:
        """`item_index` comes from RelayingInteractor: the node id of a test that begins, or None at its end."""
        if item_index is not None:
            self.running[node] = item_index
        elif self.running.pop(node, None) is not None:
            # With a count of 0, pytest would report that it found no tests.
            dsession: Any = self.config.pluginmanager.get_plugin("dsession")
            dsession._session.testscollected += 1

    def add_node_collection(self, node: WorkerController, collection: Sequence[str]) -> None:
        pass

    def schedule(self) -> None:
        pass

    def mark_test_pending(self, item: str) -> None:
        pass

    def remove_pending_tests_from_node(self, node: WorkerController, indices: object) -> None:
        pass
