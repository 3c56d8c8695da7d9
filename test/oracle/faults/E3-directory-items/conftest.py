import pytest


class Case(pytest.Item):
    def runtest(self):
        assert self.name != "wrong"


class Spec(pytest.File):
    def collect(self):
        yield Case.from_parent(self, name="from-spec")


class Specs(pytest.Directory):
    def collect(self):
        yield Case.from_parent(self, name="right")
        yield Case.from_parent(self, name="wrong")
        for path in sorted(self.path.glob("*.spec")):
            yield Spec.from_parent(self, path=path)


def pytest_collect_directory(path, parent):
    if path.name == "specs":
        return Specs.from_parent(parent, path=path)
