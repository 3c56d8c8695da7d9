"""
Runs a command in a terminal of its own: in_terminal.py COLUMNS ROWS COMMAND…

What the terminal is to show goes to standard output. Each line of standard input is JSON: {"type": TEXT} types, {"columns": N, "rows": N} resizes,
which standard output tells in the right place, as xterm's CSI 8 ; ROWS ; COLUMNS t. When standard input ends the terminal is closed: the command gets
SIGHUP, and SIGKILL if it does not heed it. Ends with the command's exit code.
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
    order = json.loads(line)
    if "type" in order:
        os.write(terminal, order["type"].encode())
    else:
        os.write(1, b"\x1b[8;%d;%dt" % (order["rows"], order["columns"]))
        resize(terminal, order["columns"], order["rows"])


def relay(terminal: int) -> None:
    orders = b""
    while True:
        ready, _, _ = select.select([terminal, 0], [], [])
        if terminal in ready:
            try:
                shown = os.read(terminal, 65536)
            except OSError:  # Linux: nobody holds the other end any more.
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
