"""Runs one command to its end and prints what it used as JSON: `command.py OPTIONS COMMAND…`, where OPTIONS is JSON.

Measures wall time from the start of the command to its exit, and the CPU time of all its processes, including those that outlive their
parent: this process adopts them. Memory and the first failure are watched only on request, because watching takes time itself. Linux only.
"""

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time

PR_SET_CHILD_SUBREAPER = 36
SAMPLE_SECONDS = 0.05
TAIL_BYTES = 4000
# How long the processes of a command that has exited may take to end.
LINGER_SECONDS = 10


def main() -> None:
    options, command = json.loads(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGINT, interrupted)
    with tempfile.TemporaryFile() as log:
        watch = options["failure"] is not None
        started = time.monotonic()
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if watch else log, stderr=subprocess.STDOUT, start_new_session=True
        )
        output = Output(child.stdout, options["failure"].encode(), log) if watch else None
        memory = Memory() if options["memory"] else None
        timed_out = False
        try:
            child.wait(options["limitSeconds"])
        except subprocess.TimeoutExpired:
            timed_out = True
            kill_all()
            child.wait()
        seconds = time.monotonic() - started
        peak = memory.stop() if memory else None
        lingering = reap()
        if output:
            output.join(LINGER_SECONDS)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        log.seek(max(0, log.seek(0, os.SEEK_END) - TAIL_BYTES))
        found = {
            "exitCode": child.returncode,
            "timedOut": timed_out,
            "seconds": seconds,
            "cpuSeconds": used.ru_utime + used.ru_stime,
            "peakBytes": peak,
            "failureReportedAt": output.matched_at if output else None,
            "lingering": lingering,
            "tail": log.read().decode("utf-8", "replace"),
        }
    print(json.dumps(found))


class Output(threading.Thread):
    """Copies the output of the command to `log`, and notes when `pattern` first appears in it."""

    def __init__(self, stream, pattern, log):
        super().__init__(daemon=True)
        self.stream, self.pattern, self.log, self.matched_at = stream, pattern, log, None
        self.start()

    def run(self):
        kept = b""
        while chunk := os.read(self.stream.fileno(), 65536):
            now = time.time()
            self.log.write(chunk)
            kept = kept[-len(self.pattern) :] + chunk
            if self.matched_at is None and self.pattern in kept:
                self.matched_at = now
        self.log.flush()


class Memory(threading.Thread):
    """Samples the memory of all descendants. A page that several processes share counts once (PSS)."""

    def __init__(self):
        super().__init__(daemon=True)
        self.peak, self.over = 0, threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(SAMPLE_SECONDS):
            self.peak = max(self.peak, sum(pss(pid) for pid in descendants(os.getpid())))

    def stop(self):
        self.over.set()
        self.join()
        return self.peak


def descendants(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as children:
                found += [int(child) for child in children.read().split()]
    except OSError:
        return found
    return found + [deeper for child in found for deeper in descendants(child)]


def pss(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup") as rollup:
            return sum(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Pss:"))
    except OSError:
        return 0


def reap():
    """Waits for the processes that the command left behind, and kills those that stay. Returns the number of those."""
    deadline = time.monotonic() + LINGER_SECONDS
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return 0
        if pid == 0:
            if time.monotonic() > deadline:
                break
            time.sleep(0.01)
    left = len(descendants(os.getpid()))
    kill_all()
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return left


def kill_all():
    # A process may start another one while this loop runs.
    while pids := [pid for pid in descendants(os.getpid()) if is_alive(pid)]:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def interrupted(signum, frame):
    kill_all()
    os._exit(128 + signum)


main()
