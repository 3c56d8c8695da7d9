import pytest


class Case(pytest.Item):
    def runtest(self):
        assert "fail" not in self.name

    def reportinfo(self):
        return self.path, 0, self.name


class Cases(pytest.File):
    def collect(self):
        for name in ("tab\there", "line\nbreak", "fail é ☃", "a::b", "x[1]", "plain"):
            yield Case.from_parent(self, name=name)


def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".case":
        return Cases.from_parent(parent, path=file_path)
