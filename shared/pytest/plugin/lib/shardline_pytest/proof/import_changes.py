"""What an import of a test file changed that outlives it and that other files can see: plain pytest would show it to all files that come later."""

import os
import sys
import warnings
from contextlib import contextmanager

ENVIRONMENT = os.environ
# pytest's own, for each test or run.
OWN_VARIABLES = frozenset(["PYTEST_CURRENT_TEST", "PYTEST_VERSION"])


class ImportChanges:
    """`found` lists {"place": file, "why": text}; each file is reported once for each kind of change."""

    def __init__(self, root):
        self.root = str(root)
        self.found = []

    @contextmanager
    def around(self, file):
        """`file` as in a node id. Used around the collection of one file, without what fixtures do."""
        environment, path, modules, filters = dict(ENVIRONMENT), list(sys.path), dict(sys.modules), list(warnings.filters)
        try:
            yield
        finally:
            self.compare(file, environment, path, modules, filters)

    def compare(self, file, environment, path, modules, filters):
        for name in sorted((environment.keys() | ENVIRONMENT.keys()) - OWN_VARIABLES):
            if environment.get(name) != ENVIRONMENT.get(name):
                self.report(file, "changes the environment variable %s when it is imported" % name)
                break
        own = directories_above(os.path.join(self.root, file), self.root)
        changed = [each for each in [*sys.path, *path] if (each in path) != (each in sys.path) and os.path.abspath(each or ".") not in own]
        if changed:
            self.report(file, "changes sys.path when it is imported (%s)" % changed[0])
        for name, module in modules.items():
            if sys.modules.get(name) is not module and module is not None:
                self.report(file, "replaces or removes the module %s when it is imported" % name)
                break
        # A library that is imported for the first time adds filters for itself at the front; others would be for all.
        if any(each not in warnings.filters for each in filters):
            self.report(file, "removes warning filters when it is imported")

    def report(self, file, why):
        self.found.append({"place": file, "why": why})


def directories_above(file, root):
    """Directories that pytest itself may put on sys.path to import the file."""
    found = set()
    directory = os.path.dirname(os.path.abspath(file))
    while directory.startswith(root) and directory not in found:
        found.add(directory)
        directory = os.path.dirname(directory)
    return found
