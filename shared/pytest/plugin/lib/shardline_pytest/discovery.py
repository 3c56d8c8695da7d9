"""Which test files pytest would collect, found by pytest's own collection that stops before any test module is imported."""

from pathlib import Path

import pytest

from . import versions, write_result
from .arguments import file_of, path_of, split_argument
from .channel import cap
from .unstreamable import unstreamable

# pytest 8 made directories nodes of their own; before, a package was one, and Module's subclass.
CONTAINERS = tuple(kind for kind in (pytest.Session, pytest.Package, getattr(pytest, "Directory", None)) if kind is not None)
MESSAGE_BYTES = 100_000


class Discovered(pytest.exit.Exception):
    """Ends the session before any hook of the user's sees a list of items that is empty only because nothing was imported."""


class Discovery:
    def __init__(self, session):
        self.session = session
        self.files = {}
        self.errors = []
        self.outside = []
        self.whole = set()
        self.named = {}
        self.maxfail = 0
        self.done = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config):
        self.unstreamable = unstreamable(config)
        self.dist = str(config.getoption("dist", "no"))
        option = config.option
        option.collectonly = True
        option.numprocesses = 0
        option.usepdb = False
        # One broken directory must not hide the files of the others.
        self.maxfail = int(config.getvalue("maxfail") or 0)
        option.maxfail = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session):
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
    def pytest_make_collect_report(self, collector):
        if isinstance(collector, CONTAINERS):
            return None
        self.record(collector)
        return pytest.CollectReport(collector.nodeid, "passed", None, [])

    def record(self, collector):
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

    def pytest_collectreport(self, report):
        if report.failed:
            self.errors.append({"file": file_of(report.nodeid), "message": cap(report.longreprtext, MESSAGE_BYTES)})

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session, config):
        result = {
            "rootdir": str(config.rootpath),
            "files": [{"file": file, "nodeids": names} for file, names in self.files.items()],
            "collectErrors": self.errors,
            "outside": self.outside,
            "maxfail": self.maxfail,
            "dist": self.dist,
            "unstreamable": self.unstreamable,
            **versions(),
        }
        write_result(self.session, result)
        self.done = True
        raise Discovered("shardline knows the test files", returncode=0)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self):
        # Called even when the hook above raised. A usage error on its way (bad path) is not touched.
        if self.done:
            raise Discovered("shardline knows the test files", returncode=0)
