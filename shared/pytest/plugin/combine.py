"""Combines coverage data of many agents with the user's own coverage.py, and reports as pytest-cov would: `python combine.py TASK.json`, in the workspace.

The task has the data files with where their paths begin, pytest-cov's options, and where to leave the result. Standard library and coverage only.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import sys
import sysconfig
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType
    from typing import TypedDict

    from coverage import CoverageData

    class DataFile(TypedDict):
        path: str
        agent: str
        # Where its paths begin.
        workspace: str
        packages: str

    class Options(TypedDict):
        """pytest-cov's options. `reports` maps a kind of report to where it goes."""

        source: list[str] | None
        config: str
        branch: bool | None
        append: bool
        reports: dict[str, str | None]
        failUnder: float | None
        precision: int

    class Task(TypedDict):
        files: list[DataFile]
        options: Options
        isReported: bool
        out: str
        resultPath: str

    class CombineResult(TypedDict):
        percent: float | None
        isUnder: bool | None
        unusable: list[str]
        problems: list[str]
        warnings: list[str]
        text: str
        written: list[str]


def main() -> None:
    # Only the directory of this file is on sys.path before the user's packages, and nothing in it has a package's name.
    with open(sys.argv[1], encoding="utf-8") as file:
        task = json.load(file)
    result: CombineResult = {"percent": None, "isUnder": None, "unusable": [], "problems": [], "warnings": [], "text": "", "written": []}
    try:
        import coverage
    except ImportError as error:
        result["problems"].append(f"coverage.py could not be imported: {error}")
    else:
        try:
            CombinedCoverage(coverage, task, result).run()
        except coverage.CoverageException as error:
            result["problems"].append(str(error))
    with open(task["resultPath"] + ".part", "w", encoding="utf-8") as file:
        json.dump(result, file)
    os.replace(task["resultPath"] + ".part", task["resultPath"])


class CombinedCoverage:
    def __init__(self, coverage: ModuleType, task: Task, result: CombineResult) -> None:
        self.task = task
        self.options = task["options"]
        self.result = result
        self.error = coverage.CoverageException
        self.cov = coverage.Coverage(source=self.options["source"], branch=self.options["branch"], config_file=self.options["config"])

    def run(self) -> None:
        self.map_paths()
        if self.options["append"]:
            self.cov.load()
        else:
            self.cov.erase()
        for each in self.task["files"]:
            self.add(each)
        self.cov.save()
        data = self.cov.get_data()
        self.tell_foreign(data)
        if os.path.exists(data.data_filename()):
            self.copy(data.data_filename(), ".coverage")
        if self.task["isReported"]:
            try:
                self.report()
            except self.error as error:
                # What pytest-cov says and does then.
                self.result["warnings"].append(f"Failed to generate report: {error}")
                self.result["percent"] = 0
        if self.options["failUnder"] is not None and self.result["percent"] is not None:
            from coverage.results import should_fail_under

            self.result["isUnder"] = should_fail_under(self.result["percent"], self.options["failUnder"], self.options["precision"])

    def map_paths(self) -> None:
        """Every agent's workspace is ours, and its packages are ours; what the user's own [paths] say comes first."""
        paths: dict[str, list[str]] = dict(self.cov.get_option("paths") or {})
        self.foreign: set[str] = set()
        files = self.task["files"]
        for name, own, roots in (
            ("workspace", os.getcwd(), {file["workspace"] for file in files}),
            ("packages", sysconfig.get_path("purelib"), {file["packages"] for file in files}),
        ):
            here = os.path.realpath(own)
            others = roots - {here}
            self.foreign |= others
            if others:
                # A root is a text, but coverage.py takes it for a pattern.
                paths["shardline-" + name] = [here, *(re.sub(r"[*?\[\]{}]", "?", other) for other in sorted(others))]
        self.cov.set_option("paths", paths)

    def add(self, file: DataFile) -> None:
        try:
            self.cov.combine([file["path"]], strict=True, keep=True)
        except self.error as error:
            self.result["unusable"].append(file["path"])
            self.result["problems"].append(f"a data file of agent {file['agent']} could not be used: {error}")

    def tell_foreign(self, data: CoverageData) -> None:
        """A file that is measured elsewhere and not found here is in no report."""
        lost = [
            path
            for path in data.measured_files()
            if any(path.startswith(root + os.sep) for root in self.foreign) and not os.path.exists(path)
        ]
        if lost:
            self.result["problems"].append(f"{len(lost)} measured files are not in this workspace, the first of them {min(lost)}")

    def report(self) -> None:
        """What pytest-cov 7.1 makes of its options, in its order."""
        reports, config, precision = self.options["reports"], self.cov.config, self.options["precision"]
        self.result["percent"] = self.cov.report(ignore_errors=True, precision=precision, file=io.StringIO())
        if "term" in reports or "term-missing" in reports:
            text = io.StringIO()
            self.cov.report(
                ignore_errors=True,
                file=text,
                precision=precision,
                show_missing="term-missing" in reports or None,
                skip_covered="skip-covered" in reports.values() or None,
            )
            self.result["text"] = text.getvalue()
        if "annotate" in reports:
            self.cov.annotate(ignore_errors=True, directory=reports["annotate"])
        if "html" in reports:
            self.cov.html_report(ignore_errors=True, directory=reports["html"])
            self.wrote(os.path.join(reports["html"] or config.html_dir, "index.html"))
        xml = reports.get("xml") or config.xml_output
        if "xml" in reports:
            self.cov.xml_report(ignore_errors=True, outfile=reports["xml"])
            self.wrote(xml)
            self.copy(xml, "coverage.xml")
        else:
            path = os.path.join(self.task["out"], "coverage.xml")
            self.cov.xml_report(ignore_errors=True, outfile=path)
            self.wrote(path)
        if "json" in reports:
            self.cov.json_report(ignore_errors=True, outfile=reports["json"])
            self.wrote(reports["json"] or config.json_output)
        for kind, mode in (("markdown", "w"), ("markdown-append", "a")):
            place = reports.get(kind)
            if place is not None:
                with open(place, mode, encoding="utf-8") as file:
                    self.cov.report(ignore_errors=True, file=file, output_format="markdown")
                self.wrote(place)
        if "lcov" in reports:
            self.cov.lcov_report(ignore_errors=True, outfile=reports["lcov"])
            self.wrote(reports["lcov"] or config.lcov_output)

    def copy(self, path: str, name: str) -> None:
        there = os.path.join(self.task["out"], name)
        if os.path.realpath(path) != os.path.realpath(there):
            shutil.copyfile(path, there)
        self.wrote(there)

    def wrote(self, path: str) -> None:
        self.result["written"].append(os.path.abspath(path))


if __name__ == "__main__":
    main()
