"""In the controller: gives xdist workers ids that no other worker of the run has on this machine, and numbers that none has in the whole run.

The agent knows them. A worker that replaces another has an id of its own, as under plain xdist, and the number of the one that it replaces.
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
    """A pytest empties the directory of --basetemp at its start: beside another agent's, this one takes a directory of its own."""
    factory: Any = getattr(config, "_tmp_path_factory", None)
    given = getattr(factory, "_given_basetemp", None)
    if given is not None and first_id > 0:
        factory._given_basetemp = given.with_name(f"{given.name}-gw{first_id}")


class WorkerNumbers:
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
            # execnet sets it before anything of the suite is imported there, and xdist gives the spec to a replacement too.
            spec.env[VARIABLE] = str(number)
        keep_apart(config, answer["ids"][0])
        dsession: Any = config.pluginmanager.get_plugin("dsession")
        group = dsession.nodemanager.group
        self.allocate_own = group.allocate_id
        group.allocate_id = self.allocate_id

    def allocate_id(self, spec: XSpec) -> None:
        """What xdist calls for a worker that replaces another, whose id it has taken away."""
        answer = self.ask(1, True) if spec.id is None else None
        if answer is not None:
            spec.id = f"gw{answer['ids'][0]}"
        while spec.id is None:
            try:
                self.allocate_own(spec)
            except ValueError:
                # execnet counts on from its own last id, and the agent gave that one away.
                continue

    def number_this_process(self) -> None:
        """For a pytest without xdist workers."""
        answer = self.ask(1, False)
        if answer is not None:
            os.environ[VARIABLE] = str(answer["numbers"][0])

    def ask(self, count: int, is_replacement: bool) -> NumberedMessage | None:
        """None when the agent is gone, has ended the session or cannot say: xdist's own ids serve then."""
        # An answer that comes after the end would be taken for that of the next question.
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
            # Without xdist workers the answer comes on the connection that also brings tasks.
            self.channel.received.extendleft(reversed(others))
