"""In the controller, gives xdist workers ids that are unique on this machine, and numbers that are unique in the run.

The agent assigns both. A replacement worker gets an id of its own, as under plain xdist, and the number of the worker that it replaces.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from typing import Any

    from execnet import XSpec

    from .channel import Channel
    from .messages import AgentMessage, NumberedMessage

VARIABLE = "SHARDLINE_WORKER"


def keep_apart(config: pytest.Config, first_id: int) -> None:
    """Gives this pytest a --basetemp directory of its own. pytest empties the directory at its start, and another agent may use it."""
    factory: Any = getattr(config, "_tmp_path_factory", None)
    given = getattr(factory, "_given_basetemp", None)
    if given is not None and first_id > 0:
        factory._given_basetemp = given.with_name(f"{given.name}-gw{first_id}")


class WorkerNumbers:
    """Registered in the process that starts xdist workers, or that runs the tests itself."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.is_over = False

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_xdist_setupnodes(self, config: pytest.Config, specs: list[XSpec]) -> None:
        answer = self.ask(len(specs), False)
        if answer is None:
            return
        for spec, id_, number in zip(specs, answer["ids"], answer["numbers"]):
            spec.id = f"gw{id_}"
            # execnet sets it before it imports anything of the suite, and xdist passes the spec to a replacement too.
            spec.env[VARIABLE] = str(number)
        keep_apart(config, answer["ids"][0])
        dsession: Any = config.pluginmanager.get_plugin("dsession")
        group = dsession.nodemanager.group
        self.allocate_own = group.allocate_id
        group.allocate_id = self.allocate_id

    def allocate_id(self, spec: XSpec) -> None:
        """xdist calls this for a replacement worker, after it has removed the id from its spec."""
        answer = self.ask(1, True) if spec.id is None else None
        if answer is not None:
            spec.id = f"gw{answer['ids'][0]}"
        while spec.id is None:
            try:
                self.allocate_own(spec)
            except ValueError:
                # execnet counts up from its own last id, which the agent may have assigned.
                continue

    def number_this_process(self) -> None:
        """Numbers a pytest without xdist workers."""
        answer = self.ask(1, False)
        if answer is not None:
            os.environ[VARIABLE] = str(answer["numbers"][0])

    def ask(self, count: int, is_replacement: bool) -> NumberedMessage | None:
        """Asks the agent for ids and numbers; None when it is gone, has ended the session, or cannot answer.

        xdist's own ids then serve.
        """
        # An answer that arrives after the end would count as the answer to the next question.
        if self.is_over:
            return None
        self.channel.send("workers-wanted", count=count, isReplacement=is_replacement)
        others: list[AgentMessage] = []
        try:
            while True:
                message = self.channel.receive()
                if message is None or message["kind"] == "end":
                    self.is_over = True
                    if message is not None:
                        others.append(message)
                    return None
                if message["kind"] == "numbered":
                    return message if len(message["ids"]) == count else None
                others.append(message)
        finally:
            # Without xdist workers, the connection that brings the answer also brings tasks.
            self.channel.received.extendleft(reversed(others))
