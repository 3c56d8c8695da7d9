"""Whether something of the user's, in pytest's main process, would miss the reports that a fed xdist worker sends to the agent only."""

from __future__ import annotations

import dis
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    import pytest
    from pluggy import HookImpl


# What pytest calls there for each test, or with all of them at the end.
HOOKS = (
    "pytest_runtest_logreport",
    "pytest_runtest_logstart",
    "pytest_runtest_logfinish",
    "pytest_report_teststatus",
    "pytest_terminal_summary",
    "pytest_collectreport",
    "pytest_handlecrashitem",
)
# Called in every session: only who looks at results there needs them.
END_HOOKS = ("pytest_sessionfinish", "pytest_unconfigure")
RESULT_NAMES = frozenset(["terminalreporter", "stats", "testsfailed", "testscollected"])

# Of pytest, of xdist, of ours, and plugins that only print there (or, like pytest-cov, get what they need another way).
EXEMPT = frozenset(
    [
        "_hypothesis_pytestplugin",
        "_pytest",
        "pytest_benchmark",
        "pytest_cov",
        "pytest_django",
        "pytest_instafail",
        "pytest_rerunfailures",
        "pytest_subtests",
        "pytest_sugar",
        "shardline_pytest",
        "xdist",
    ]
)

# Options with which a plugin of these prints something of each test at the end.
PRINTED_RESULTS = (("--hypothesis-show-statistics", "hypothesis prints statistics of each test"),)


def why_relayed(config: pytest.Config) -> str | None:
    """What needs each test's reports in this process, in words; None when nothing does."""
    if any(type(plugin).__module__ == "_pytest.junitxml" for plugin in config.pluginmanager.get_plugins()):
        return "pytest writes the file of --junit-xml"
    if counts_warnings(config):
        return "pytest counts warnings for --max-warnings"
    for option, why in PRINTED_RESULTS:
        if config.getoption(option, False):
            return why
    if "R" in str(config.getoption("reportchars", "")):
        return "-rR lists the tests that pytest-rerunfailures ran again"
    for name in HOOKS:
        for implementation in own_implementations(config, name):
            return f"{place_of(implementation, config)} has the hook {name}"
    for name in END_HOOKS:
        for implementation in own_implementations(config, name):
            if looks_at_results(implementation.function):
                return f"{place_of(implementation, config)} looks at results in {name}"
    return None


def counts_warnings(config: pytest.Config) -> bool:
    """pytest 9.1 and later does, where it heard of a test that passed."""
    try:
        return config.getoption("max_warnings", None) is not None or bool(config.getini("max_warnings"))
    except (KeyError, ValueError):  # of a pytest that has no such setting
        return False


def own_implementations(config: pytest.Config, name: str) -> Iterator[HookImpl]:
    for implementation in getattr(config.hook, name).get_hookimpls() if hasattr(config.hook, name) else ():
        module = getattr(implementation.function, "__module__", None) or ""
        if module.partition(".")[0] not in EXEMPT:
            yield implementation


def looks_at_results(function: object) -> bool:
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is None:
        return True  # not written in Python: nobody knows
    return any(names_results(each) or reads_exit_status(each) for each in with_nested(code))


def with_nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            yield from with_nested(constant)


def names_results(code: CodeType) -> bool:
    texts = [constant for constant in code.co_consts if isinstance(constant, str)]
    return not RESULT_NAMES.isdisjoint([*code.co_names, *texts])


def reads_exit_status(code: CodeType) -> bool:
    """Every such hook has the parameter; does it use it? Python 3.13 loads two variables at once, named in one tuple."""
    for instruction in dis.get_instructions(code):
        names = instruction.argval if isinstance(instruction.argval, tuple) else (instruction.argval,)
        if instruction.opname.startswith("LOAD") and "exitstatus" in names:
            return True
    return False


def place_of(implementation: HookImpl, config: pytest.Config) -> str:
    """A plugin by its name; one without a name, and a conftest, by the path from the root of the file that it is written in."""
    name = str(implementation.plugin_name)
    if name.isdigit() or os.path.basename(name) == "conftest.py":
        code = getattr(implementation.function, "__code__", None)
        name = name if code is None else code.co_filename
    root = str(config.rootpath) + os.sep
    return name[len(root) :] if name.startswith(root) else f"the plugin {name}"
