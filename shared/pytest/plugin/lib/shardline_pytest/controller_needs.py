"""Does a plugin or conftest in pytest's main process need the reports that a fed worker sends to the agent only?"""

from __future__ import annotations

import dis
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    import pytest
    from pluggy import HookImpl

# Hooks that pytest calls there for each test, or with all results at the end.
HOOKS = (
    "pytest_runtest_logreport",
    "pytest_runtest_logstart",
    "pytest_runtest_logfinish",
    "pytest_report_teststatus",
    "pytest_terminal_summary",
    "pytest_collectreport",
    "pytest_handlecrashitem",
)
# pytest calls these in every session. Only an implementation that looks at results needs them.
END_HOOKS = ("pytest_sessionfinish", "pytest_unconfigure")
RESULT_NAMES = frozenset(["terminalreporter", "stats", "testsfailed", "testscollected"])

# pytest, xdist, our own plugin, and plugins that only print there or, like pytest-cov, get the data another way.
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

# Options that make an exempt plugin print something about each test at the end.
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
    """pytest 9.1 and later counts warnings for --max-warnings, from the reports of passed tests."""
    try:
        return config.getoption("max_warnings", None) is not None or bool(config.getini("max_warnings"))
    except (KeyError, ValueError):  # this pytest has no such setting
        return False


def own_implementations(config: pytest.Config, name: str) -> Iterator[HookImpl]:
    """Implementations of a hook by the suite and by plugins that are not exempt."""
    for implementation in getattr(config.hook, name).get_hookimpls() if hasattr(config.hook, name) else ():
        module = getattr(implementation.function, "__module__", None) or ""
        if module.partition(".")[0] not in EXEMPT:
            yield implementation


def looks_at_results(function: object) -> bool:
    """Does the code of this function name results or read the exit status?"""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is None:
        return True  # not written in Python: assume that it does
    return any(names_results(each) or reads_exit_status(each) for each in with_nested(code))


def with_nested(code: CodeType) -> Iterator[CodeType]:
    """The code object and all that it contains."""
    yield code
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            yield from with_nested(constant)


def names_results(code: CodeType) -> bool:
    texts = [constant for constant in code.co_consts if isinstance(constant, str)]
    return not RESULT_NAMES.isdisjoint([*code.co_names, *texts])


def reads_exit_status(code: CodeType) -> bool:
    """Does the hook use its parameter `exitstatus`, which every such hook has?

    Python 3.13 loads two variables with one instruction, whose argument is a tuple of names.
    """
    for instruction in dis.get_instructions(code):
        names = instruction.argval if isinstance(instruction.argval, tuple) else (instruction.argval,)
        if instruction.opname.startswith("LOAD") and "exitstatus" in names:
            return True
    return False


def place_of(implementation: HookImpl, config: pytest.Config) -> str:
    """Names a plugin by its name, and a conftest or nameless plugin by its path from the root directory."""
    name = str(implementation.plugin_name)
    if name.isdigit() or os.path.basename(name) == "conftest.py":
        code = getattr(implementation.function, "__code__", None)
        name = name if code is None else code.co_filename
    root = str(config.rootpath) + os.sep
    return name[len(root) :] if name.startswith(root) else f"the plugin {name}"
