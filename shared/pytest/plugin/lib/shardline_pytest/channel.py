"""The connections to the agent: one JSON message per line over a Unix socket for each direction, and the texts that they can carry.

The agent writes nothing to the socket that it reads. Otherwise a write that fails, because this process has died, would close the socket
before the agent has read the last messages.
"""

from __future__ import annotations

from socket import AF_UNIX, SOCK_STREAM
from typing import TYPE_CHECKING

from .stdlib import real

if TYPE_CHECKING:
    from collections import deque
    from socket import socket

    from .messages import AgentMessage, RunMessage


class Channel:
    """Connects at once. After the agent is gone, `send` does nothing.

    The parent watch (launch.py) then kills this process.
    """

    def __init__(self, path: str, worker: str) -> None:
        self.pid = real.getpid()
        self.inbound: socket | None = connected(path)
        # Bound now, because a test may patch the methods of the class.
        self.sendall, self.recv, self.close_inbound = self.inbound.sendall, self.inbound.recv, self.inbound.close
        self.close_outbound = self.close_inbound
        self.received: deque[AgentMessage] = real.deque()
        self.partial = b""
        self.task: int | None = None
        self.send("listens", worker=worker)
        # The agent knows where to send messages before it learns of this process.
        self.receive()
        outbound = connected(path)
        self.sendall, self.close_outbound = outbound.sendall, outbound.close
        self.send("hello", worker=worker, pid=self.pid)

    def is_inherited(self) -> bool:
        """Is this a child that a test forked and that returned into pytest's hooks? It must not use the connections."""
        return real.getpid() != self.pid

    def send(self, kind: str, **fields: object) -> None:
        """Sends one message. An interrupted line closes the connections, as no other line can follow it."""
        if self.inbound is None or self.is_inherited():
            return
        line = real.encode({"kind": kind, **fields}).encode("ascii") + b"\n"
        try:
            self.sendall(line)
        except BaseException as thrown:
            # KeyboardInterrupt may have cut the line. Nothing may follow it.
            self.close()
            if not isinstance(thrown, OSError):
                raise

    def next_message(self) -> AgentMessage | None:
        """Waits for the next message from the agent; None when no task follows or the agent is gone."""
        message = self.receive()
        if message is None or any(each["kind"] == "end" for each in (message, *self.received)):
            return None
        return message

    def peek_run(self) -> RunMessage | None:
        """The next task for this process, without taking it; None when none waits.

        Asks the agent, which answers with a task or with `none`.
        """
        has_asked = False
        while True:
            for message in self.received:
                if message["kind"] == "run":
                    return message
                if message["kind"] == "end":
                    return None
                if message["kind"] == "none" and has_asked:
                    self.received.remove(message)
                    return None
            if not has_asked:
                self.send("needs-next")
                has_asked = True
            if not self.read():
                return None

    def claims(self, task: RunMessage) -> bool:
        """Does this process still own the task?

        A task that arrives while another runs waits here, and the agent may take it back for an idle worker.
        """
        if task["claim"] is None:
            return True
        try:
            real.mkdir(task["claim"])
        except FileExistsError:
            return False
        except OSError:
            pass  # the agent cannot create it either, so it cannot take the task back
        return True

    def must_stop(self) -> bool:
        """Did the agent send `stop` for this task, or end the session? Never waits."""
        while real.select([self.inbound], [], [], 0)[0] if self.inbound is not None else False:
            if not self.read():
                return True
        return any(each["kind"] == "end" or (each["kind"] == "stop" and each["task"] == self.task) for each in self.received)

    def receive(self) -> AgentMessage | None:
        """Waits for the next message from the agent; None when it is gone."""
        while not self.received:
            if not self.read():
                return None
        return self.received.popleft()

    def read(self) -> bool:
        """Reads what the agent sent, waiting for it; False when it is gone."""
        try:
            data = b"" if self.inbound is None else self.recv(65536)
        except OSError:
            data = b""
        *lines, self.partial = (self.partial + data).split(b"\n")
        self.received.extend(real.decode(line.decode("utf-8")) for line in lines)
        return bool(data)

    def close(self) -> None:
        """Closes the connections; `send` does nothing from now on."""
        if self.inbound is not None:
            self.inbound = None
            self.close_inbound()
            self.close_outbound()


def connected(path: str) -> socket:
    """A new connection to the agent."""
    connection = real.socket(AF_UNIX, SOCK_STREAM)
    connection.settimeout(None)  # overrides the suite's socket.setdefaulttimeout
    connection.connect(path)
    return connection


def now_ms() -> int:
    """The real wall clock, in milliseconds since the epoch."""
    return int(real.now() * 1000)


def perf_seconds() -> float:
    """A real monotonic clock, in seconds."""
    return real.perf_counter()


def clean(text: str) -> str:
    """Replaces lone surrogates (bytes that are not UTF-8) by `\\udcff`, as no encoding can carry them."""
    try:
        text.encode("utf-8")
        return text
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


def cap(text: str, limit_bytes: int) -> str:
    """The cleaned text. If it is longer than the limit, keeps its head and tail with a visible mark between them."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= limit_bytes:
        return data.decode("utf-8")
    half = limit_bytes // 2
    head = data[:half].decode("utf-8", "ignore")
    tail = data[-half:].decode("utf-8", "ignore")
    return f"{head}\n[... shardline cut {len(data) - 2 * half} bytes here ...]\n{tail}"
