"""The way out: one JSON line per message to the agent's Unix socket. Owns the connection and how texts are made fit for it."""

from __future__ import annotations

from socket import AF_UNIX, SOCK_STREAM
from typing import TYPE_CHECKING

from .stdlib import real

if TYPE_CHECKING:
    from collections import deque
    from socket import socket

    from .messages import AgentMessage, RunMessage


class Channel:
    """Connects at once. When the agent is gone it falls silent: ending this process is the parent watch's task."""

    def __init__(self, path: str, worker: str) -> None:
        self.pid = real.getpid()
        self.socket: socket | None = real.socket(AF_UNIX, SOCK_STREAM)
        self.socket.settimeout(None)  # not the suite's socket.setdefaulttimeout
        self.socket.connect(path)
        # Bound now: a test may patch the methods of the class.
        self.sendall, self.recv, self.close_socket = self.socket.sendall, self.socket.recv, self.socket.close
        self.received: deque[AgentMessage] = real.deque()
        self.partial = b""
        self.task: int | None = None
        self.send("hello", worker=worker, pid=self.pid)

    def is_inherited(self) -> bool:
        """Is this a child that a test forked, and that goes on through pytest's hooks? It has nothing to say or to ask here."""
        return real.getpid() != self.pid

    def send(self, kind: str, **fields: object) -> None:
        if self.socket is None or self.is_inherited():
            return
        line = real.encode({"kind": kind, **fields}).encode("ascii") + b"\n"
        try:
            self.sendall(line)
        except BaseException as thrown:
            # The line may be cut in its middle (KeyboardInterrupt): nothing may follow it.
            self.close()
            if not isinstance(thrown, OSError):
                raise

    def next_message(self) -> AgentMessage | None:
        """The next message from the agent, waiting for it; None when nothing more comes or the agent is gone."""
        message = self.receive()
        if message is None or any(each["kind"] == "end" for each in (message, *self.received)):
            return None
        return message

    def peek_run(self) -> RunMessage | None:
        """The next task that the agent has for this process, left where it is; None when none waits.

        The agent is asked, and answers with a task, or with `none` when it knows of no other.
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
        """Is the task still ours? One that came while another was on lies here until we come to it, or the agent takes it back for a worker that waits."""
        if task["claim"] is None:
            return True
        try:
            real.mkdir(task["claim"])
        except FileExistsError:
            return False
        except OSError:
            pass  # the agent cannot make it either: it cannot take the task back
        return True

    def is_told_to_stop(self) -> bool:
        """Was `stop` sent for this task, or is the agent done with us? Never waits."""
        while real.select([self.socket], [], [], 0)[0] if self.socket is not None else False:
            if not self.read():
                return True
        return any(each["kind"] == "end" or (each["kind"] == "stop" and each["task"] == self.task) for each in self.received)

    def receive(self) -> AgentMessage | None:
        """The next message from the agent; None when it is gone."""
        while not self.received:
            if not self.read():
                return None
        return self.received.popleft()

    def read(self) -> bool:
        """Takes what the agent sent, waiting for it; False when it is gone."""
        try:
            data = b"" if self.socket is None else self.recv(65536)
        except OSError:
            data = b""
        *lines, self.partial = (self.partial + data).split(b"\n")
        self.received.extend(real.decode(line.decode("utf-8")) for line in lines)
        return bool(data)

    def close(self) -> None:
        if self.socket is not None:
            self.socket = None
            self.close_socket()


def now_ms() -> int:
    """The real wall clock, in milliseconds since the epoch."""
    return int(real.now() * 1000)


def perf_seconds() -> float:
    """A real monotonic clock, in seconds."""
    return real.perf_counter()


def clean(text: str) -> str:
    """The text with lone surrogates (bytes that are not UTF-8) shown as `\\udcff`, as no encoding can carry them."""
    try:
        text.encode("utf-8")
        return text
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


def cap(text: str, limit_bytes: int) -> str:
    """The cleaned text, of which head and tail are kept with a visible mark between when it is longer than the limit."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= limit_bytes:
        return data.decode("utf-8")
    half = limit_bytes // 2
    head = data[:half].decode("utf-8", "ignore")
    tail = data[-half:].decode("utf-8", "ignore")
    return f"{head}\n[... shardline cut {len(data) - 2 * half} bytes here ...]\n{tail}"
