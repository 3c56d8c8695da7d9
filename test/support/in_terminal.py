"""Runs a command in a terminal of its own: `python in_terminal.py COLUMNS ROWS COMMAND…`.

Writes the terminal's output to standard output. Each line of standard input is JSON: {"type": TEXT} types the text, and {"columns": N,
"rows": N} resizes the terminal, which standard output shows at that point as xterm's CSI 8 ; ROWS ; COLUMNS t. At the end of standard
input, the terminal closes: the command gets SIGHUP, and SIGKILL if it ignores that. Exits with the command's exit code.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios

PATIENCE_SECONDS = 30


def resize(terminal: int, columns: int, rows: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def obey(terminal: int, line: bytes) -> None:
    """Carries out one line of standard input."""
    order = json.loads(line)
    if "type" in order:
        os.write(terminal, order["type"].encode())
    else:
        os.write(1, b"\x1b[8;%d;%dt" % (order["rows"], order["columns"]))
        resize(terminal, order["columns"], order["rows"])


def relay(terminal: int) -> None:
    """Copies between the terminal and our own input and output, until either ends."""
    orders = b""
    while True:
        ready, _, _ = select.select([terminal, 0], [], [])
        if terminal in ready:
            try:
                shown = os.read(terminal, 65536)
            except OSError:  # on Linux: the other end is closed
                return
            if not shown:
                return
            while shown:
                shown = shown[os.write(1, shown) :]
        if 0 in ready:
            chunk = os.read(0, 65536)
            if not chunk:
                return
            *lines, orders = (orders + chunk).split(b"\n")
            for line in lines:
                obey(terminal, line)


def main(columns: str, rows: str, command: list[str]) -> int:
    """Returns the command's exit code; 128 + n for signal n."""
    pid, terminal = pty.fork()
    if pid == 0:
        resize(0, int(columns), int(rows))
        os.execvp(command[0], command)
    relay(terminal)
    os.close(terminal)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(pid, signal.SIGKILL))
    signal.alarm(PATIENCE_SECONDS)
    _, status = os.waitpid(pid, 0)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
