"""Combines the coverage data of many agents, and reports them as pytest-cov does: `python combine.py TASK.json`, in the workspace.

Runs in the user's interpreter with the user's coverage.py, and uses nothing else outside the standard library. The task lists the data
files with the roots of their paths, pytest-cov's options, and where to write the result.
"""

from __future__ import annotations

import importlib.util
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
        # The roots of its paths.
        workspace: str
        packages: str

    class Options(TypedDict):
        """pytest-cov's options. `reports` maps a kind of report to its destination."""

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
        # The names of the combined data in `out`.
        dataNames: list[str]
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
    # In front of the user's packages, sys.path has only the directory of this file, and nothing in it shadows a package.
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
    """One combination: reads the data files of a task, and fills in `result`."""

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
        self.report_foreign(data)
        self.leave_out_strange(data)
        if os.path.exists(data.data_filename()):
            for name in self.task["dataNames"]:
                self.copy(data.data_filename(), name)
        if self.task["isReported"]:
            try:
                self.report()
            except self.error as error:
                # Like pytest-cov, warn in these words and count the total as 0.
                self.result["warnings"].append(f"Failed to generate report: {error}")
                self.result["percent"] = 0
        if self.options["failUnder"] is not None and self.result["percent"] is not None:
            from coverage.results import should_fail_under

            self.result["isUnder"] = should_fail_under(self.result["percent"], self.options["failUnder"], self.options["precision"])

    def map_paths(self) -> None:
        """Maps the workspace and the packages of every agent to ours. The user's own [paths] take precedence."""
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
                # coverage.py reads a root as a pattern.
                paths["shardline-" + name] = [here, *(re.sub(r"[*?\[\]{}]", "?", other) for other in sorted(others))]
        self.cov.set_option("paths", paths)

    def add(self, file: DataFile) -> None:
        try:
            self.cov.combine([file["path"]], strict=True, keep=True)
        except self.error as error:
            self.result["unusable"].append(file["path"])
            self.result["problems"].append(f"a data file of agent {file['agent']} could not be used: {error}")

    def report_foreign(self, data: CoverageData) -> None:
        """Reports measured files that do not exist here, and so are in no report."""
        lost = [
            path
            for path in data.measured_files()
            if any(path.startswith(root + os.sep) for root in self.foreign) and not os.path.exists(path)
        ]
        if lost:
            self.result["problems"].append(f"{len(lost)} measured files are not in this workspace, the first of them {min(lost)}")

    def leave_out_strange(self, data: CoverageData) -> None:
        """Leaves files out of the reports that this project cannot have measured: data of an agent may name any file of this machine."""
        roots = [os.path.realpath(root) + os.sep for root in own_roots(self.cov.config.source)]
        strange = [path for path in data.measured_files() if not os.path.realpath(path).startswith(tuple(roots))]
        if not strange:
            return
        omitted = list(self.cov.get_option("report:omit") or [])
        # coverage.py reads a path as a pattern.
        self.cov.set_option("report:omit", [*omitted, *(re.sub(r"[*?\[\]{}]", "?", path) for path in strange)])
        self.result["warnings"].append(f"left {len(strange)} measured files outside of the project out, the first of them {min(strange)}")

    def report(self) -> None:
        """Writes the reports that pytest-cov 7.1 writes for these options, in its order."""
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
        """Copies a file into the output directory of the run."""
        there = os.path.join(self.task["out"], name)
        if os.path.realpath(path) != os.path.realpath(there):
            # Writing through a link would change a file elsewhere.
            if os.path.islink(there):
                os.unlink(there)
            shutil.copyfile(path, there)
        self.wrote(there)

    def wrote(self, path: str) -> None:
        self.result["written"].append(os.path.abspath(path))


def own_roots(sources: list[str] | None) -> list[str]:
    """Directories with code of the project: its repository, the packages beside its interpreter, and what coverage.py is to measure."""
    here = os.getcwd()
    roots = [here, sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    parents = [here]
    while os.path.dirname(parents[-1]) != parents[-1]:
        parents.append(os.path.dirname(parents[-1]))
    roots += [parent for parent in parents if os.path.exists(os.path.join(parent, ".git"))][:1]
    for source in sources or []:
        if os.path.isdir(source):
            roots.append(source)
            continue
        try:
            spec = importlib.util.find_spec(source.partition(".")[0])
        except (ImportError, ValueError):
            continue
        if spec is not None:
            roots += [os.path.dirname(spec.origin)] if spec.origin else list(spec.submodule_search_locations or [])
    return roots


if __name__ == "__main__":
    main()
