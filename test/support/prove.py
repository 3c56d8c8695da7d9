"""Proves suites: `python prove.py LIBRARY < requests`, one JSON object per line: {"directory", "args", "declared", "runs"}.

Forks a pytest that collects each suite, and prints one line per suite with the result of shardline's proof.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

sys.path.insert(0, sys.argv[1])

import pytest
from shardline_pytest.proof.census_key import census_key
from shardline_pytest.proof.collectors import collectors_problem, refused_files
from shardline_pytest.proof.file_digest import file_digest
from shardline_pytest.proof.hook_proof import HookProof, sentence
from shardline_pytest.proof.import_changes import ImportChanges
from shardline_pytest.proof.whole_list_options import options_problem, order_problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from shardline_pytest.hook_types import HookWrapper

OWN = "test-prove"


class Prover:
    """A plugin that proves the suite of one request, and keeps the result."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.result: dict[str, object] = {}

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> HookWrapper:
        self.deselected: list[pytest.Item] = []
        self.imports = ImportChanges(session.config.rootpath, session.config.pluginmanager)
        self.proof = HookProof(session.config, {OWN, *self.request.get("declared", ())})
        self.proof.begin(session)
        yield
        self.proof.finish(session)
        self.keep(session)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> HookWrapper:
        if isinstance(collector, pytest.Module):
            with self.imports.around(collector.nodeid):
                yield
        else:
            yield

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self.deselected.extend(items)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        self.result["afterRun"] = [sentence(each) for each in self.proof.problems()]
        self.proof.close()

    def keep(self, session: pytest.Session) -> None:
        self.result["problems"] = [sentence(each) for each in self.proof.problems()]
        items = list(list.__iter__(vars(session)["items"]))
        files = [str(path) for path in sorted(session.config.rootpath.rglob("test_*.py"))]
        self.result["ids"] = [item.nodeid for item in items]
        self.result["collectors"] = collectors_problem(session)
        self.result["options"] = options_problem(session.config, items)
        self.result["order"] = order_problem(items)
        self.result["imports"] = [f"{each['place']} {each['why']}" for each in self.imports.found]
        self.result["refused"] = len(refused_files(files, session.config.getoption("importmode")))
        self.result["key"] = census_key(session.config)
        self.result["digests"] = {file: self.digest(items, file) for file in sorted({file_of(item) for item in items})}

    def digest(self, items: Sequence[pytest.Item], file: str) -> str:
        return file_digest([item for item in items if file_of(item) == file], [item for item in self.deselected if file_of(item) == file])


def file_of(item: pytest.Item) -> str:
    return item.nodeid.split("::")[0]


class Loader:
    """Registers the prover under a name that a declaration can use."""

    def __init__(self, prover: Prover) -> None:
        self.prover = prover

    def pytest_configure(self, config: pytest.Config) -> None:
        config.pluginmanager.register(self.prover, OWN)


def prove(request: dict[str, Any]) -> dict[str, object]:
    """Collects the suite of a request in this process."""
    os.chdir(request["directory"])
    sys.path.insert(0, request["directory"])
    prover = Prover(request)
    options = [] if request.get("runs") else ["--collect-only"]
    status = pytest.main(["-q", "-p", "no:cacheprovider", "-W", "ignore", *options, *request.get("args", ())], plugins=[Loader(prover)])
    return {**prover.result, "status": int(status)}


def forked(request: dict[str, Any]) -> str:
    """The result of `prove` in a child process, as JSON."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        silent = os.open(os.devnull, os.O_WRONLY)
        if not os.environ.get("PROVE_SHOWS"):
            os.dup2(silent, 1)
            os.dup2(silent, 2)
        with os.fdopen(writing, "w") as out:
            json.dump(prove(request), out)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as result:
        text = result.read()
    os.waitpid(child, 0)
    return text


if __name__ == "__main__":
    for line in sys.stdin:
        print(forked(json.loads(line)), flush=True)
