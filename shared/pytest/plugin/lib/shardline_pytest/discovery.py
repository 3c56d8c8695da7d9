"""Finds the test files that pytest would collect: runs pytest's own collection, and stops it before it imports a test module.

Only `--dist loadgroup` collects everything, because the groups are unknown before.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from _pytest import mark
from _pytest.outcomes import Exit

from . import versions, write_result
from .arguments import file_of, path_of, split_argument
from .cache import cache_of, failure_limit
from .channel import cap
from .coverage_data import asked_for
from .fingerprint import fingerprint_of
from .idle_plugins import idle_plugin
from .marks import group_names, names_in
from .proof.census_key import census_key
from .proof.collectors import refused_files
from .run_outputs import junit_path
from .streamability import refused, unstreamable

if TYPE_CHECKING:
    from .hook_types import HookWrapper
    from .messages import SessionSettings

# Directories are nodes since pytest 8. Before, only a package was one, and a subclass of Module.
CONTAINERS = tuple(kind for kind in (pytest.Session, pytest.Package, getattr(pytest, "Directory", None)) if kind is not None)
MESSAGE_BYTES = 100_000
# Options that make pytest print something and run no test.
SHOWING_OPTIONS = (
    ("collectonly", "--collect-only"),
    ("showfixtures", "--fixtures"),
    ("show_fixtures_per_test", "--fixtures-per-test"),
    ("setupplan", "--setup-plan"),
    ("cacheshow", "--cache-show"),
)


def unsupported(config: pytest.Config) -> str | None:
    """The option that shardline cannot run pytest with, in words; None when it can."""
    for name, option in SHOWING_OPTIONS:
        if config.getoption(name, None):
            return f"{option} runs no test"
    return refused(config)


class Discovered(Exit):
    """Ends the session before a hook of the user sees a list that is empty only because nothing was imported."""


def discovery_of(session: SessionSettings, early_config: pytest.Config) -> Discovery:
    """Chooses the discovery by the options that pytest has read so far."""
    dist = getattr(early_config.known_args_namespace, "dist", "no")
    return GroupedDiscovery(session) if dist == "loadgroup" else Discovery(session)


class Discovery:
    """Records each test file in place of collecting it, and writes the result file."""

    def __init__(self, session: SessionSettings) -> None:
        self.session = session
        self.files: dict[str, list[str] | None] = {}
        self.errors: list[dict[str, str]] = []
        self.outside: list[str] = []
        self.whole: set[Path] = set()
        self.named: dict[Path, list[str]] = {}
        self.maxfail = 0
        self.is_empty = False
        self.done = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> None:
        problem = unsupported(config)
        if problem is not None:
            write_result(self.session, {"unsupported": problem})
            raise pytest.UsageError(f"shardline cannot run this: {problem}")
        self.unstreamable = unstreamable(config)
        self.dist = "load" if config.getoption("distload", False) else str(config.getoption("dist", "no"))
        self.coverage = asked_for(config)
        self.idle_plugin = idle_plugin(config)
        self.fingerprint = fingerprint_of(config)
        option = config.option
        option.collectonly = True
        option.numprocesses = 0
        option.usepdb = False
        # One broken directory must not hide the files of others.
        self.maxfail = int(config.getvalue("maxfail") or 0)
        option.maxfail = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        config = session.config
        stripped = []
        for argument in config.args:
            base, names = split_argument(argument)
            path = path_of(config, base)
            if names and path is not None and path.is_file():
                self.named.setdefault(path, []).append(names)
            elif path is not None:
                self.whole.add(path)
            stripped.append(base)
        config.args[:] = list(dict.fromkeys(stripped))

    @pytest.hookimpl(tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> pytest.CollectReport | None:
        if isinstance(collector, CONTAINERS):
            return None
        self.record(collector)
        return pytest.CollectReport(collector.nodeid, "passed", None, [])

    def record(self, collector: pytest.Collector) -> None:
        """Keeps a file, and the node ids in it that the arguments name."""
        path = Path(collector.path)
        try:
            file = path.relative_to(collector.config.rootpath).as_posix()
        except ValueError:
            self.outside.append(str(path))
            return
        names = None
        if path in self.named and self.whole.isdisjoint((path, *path.parents)):
            names = list(dict.fromkeys(file + name for name in self.named[path]))
        self.files[file] = names

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        # The worker that runs a test file reports its errors.
        if report.failed and file_of(report.nodeid) not in self.files:
            self.errors.append({"file": file_of(report.nodeid), "message": cap(report.longreprtext, MESSAGE_BYTES)})

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        # Without items, this only parses -k and -m. A mistake there is one usage error, not one per file.
        mark.pytest_collection_modifyitems([], config)
        if self.found_nothing(items):
            return
        self.write(config, {})
        raise Discovered("shardline knows the test files", returncode=0)

    def found_nothing(self, items: list[pytest.Item]) -> bool:
        """Records whether there is nothing to run. If so, this session equals that of plain pytest, and its hooks choose the exit code."""
        self.is_empty = not (self.files or self.errors or self.outside or items)
        return self.is_empty

    # The outermost wrapper: it sees the exit code that all other hooks leave.
    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> HookWrapper:
        yield
        if self.is_empty and not self.done:
            self.write(session.config, {}, accepts_no_tests=session.exitstatus == 0)

    def name_clash(self, config: pytest.Config) -> str | None:
        """Two files with the same module name, in words; None without any.

        pytest refuses the second one. A process that collects only one of them does not notice.
        """
        root = str(config.rootpath)
        refused = refused_files([os.path.join(root, file) for file in self.files], config.getoption("importmode", "prepend"))
        for file, other in refused.items():
            first, second = (os.path.relpath(each, root).replace(os.sep, "/") for each in (other, file))
            return f"{first} and {second} have the same module name"
        return None

    def write(self, config: pytest.Config, groups: dict[tuple[str, str], list[str]], *, accepts_no_tests: bool = False) -> None:
        """Writes the result. `groups` maps an xdist group to its files."""
        together = dict(groups)
        unclear: list[dict[str, object]] = []
        for file in self.files:
            names, lines = names_in(config.rootpath / file)
            for name in names:
                together.setdefault(("mark", name), []).append(file)
            unclear.extend({"file": file, "line": line} for line in lines)
        result = {
            "rootdir": str(config.rootpath),
            "files": [{"file": file, "nodeids": names} for file, names in self.files.items()],
            "collectErrors": self.errors,
            "outside": self.outside,
            "maxfail": failure_limit(config, self.maxfail),
            "dist": self.dist,
            "together": list(together.values()),
            "unclearMarks": unclear,
            "unstreamable": self.unstreamable or self.name_clash(config),
            "censusKey": census_key(config),
            "namesTests": bool(self.named),
            "coverage": self.coverage,
            "idlePlugin": self.idle_plugin,
            "acceptsNoTests": accepts_no_tests,
            "junitXml": junit_path(config),
            "cache": cache_of(config),
            "fingerprint": self.fingerprint,
            **versions(),
        }
        write_result(self.session, result)
        self.done = True

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self) -> None:
        # pytest calls this even if the hook above raised. A usage error (bad path) must pass through.
        if self.done:
            raise Discovered("shardline knows the test files", returncode=0)


class GroupedDiscovery(Discovery):
    """For `--dist loadgroup`: collects everything, and records the files of each group."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> pytest.CollectReport | None:
        if not isinstance(collector, CONTAINERS):
            self.record(collector)
        return None

    # Wraps the suite's own hooks, which may mark and deselect items.
    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(  # type: ignore[override]  # pluggy passes the arguments that an implementation names
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> HookWrapper:
        outcome = yield
        if outcome.excinfo is not None or self.found_nothing(items):
            return
        groups: dict[tuple[str, str], list[str]] = {}
        for item in items:
            for name in group_names(item):
                files = groups.setdefault(("group", name), [])
                if file_of(item.nodeid) not in files:
                    files.append(file_of(item.nodeid))
        self.write(config, groups)
