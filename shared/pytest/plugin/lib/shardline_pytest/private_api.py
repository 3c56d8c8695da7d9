"""The private parts of pytest and xdist that a fed session needs. If one is missing, no session is fed, and the run reports why.

Also those that forked xdist workers need. If one is missing, workers start as execnet starts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from execnet import Group
    from pluggy import HookImpl

SESSION_METHODS = ("perform_collect", "genitems", "gethookproxy", "isinitpath", "Failed", "Interrupted")
SESSION_ATTRIBUTES = (
    "_initialpaths",
    "_initialpaths_with_parents",
    "_collection_cache",
    "_setupstate",
    "_fixturemanager",
    "testscollected",
)
INTERACTOR_METHODS = (
    "sendevent",
    "pytest_internalerror",
    "pytest_sessionfinish",
    "pytest_warning_recorded",
    "pytest_runtest_logstart",
    "pytest_runtest_logfinish",
    "pytest_runtest_logreport",
    "pytest_collectreport",
)
DSESSION_METHODS = ("_clone_node", "worker_runtest_protocol_complete", "worker_workerfinished", "worker_errordown")


def missing_api() -> str | None:
    """What is missing for a fed session, in words; None when all is there."""
    if not hasattr(pytest, "Directory"):
        return "pytest is older than version 8"
    try:
        from _pytest.main import Session
        from _pytest.runner import SetupState, collect_one_node  # noqa: F401 - imported to check that it exists
        from execnet import Group, XSpec
        from xdist.dsession import DSession
        from xdist.remote import WorkerInteractor
    except ImportError as error:
        return f"pytest or xdist is not as it was known: {error}"

    return (
        lacking("pytest's Session", Session, SESSION_METHODS, SESSION_ATTRIBUTES)
        or lacking("pytest's SetupState", SetupState, ("teardown_exact",), ("stack",))
        or lacking("pytest's plugin manager", pytest.PytestPluginManager, ("_is_in_confcutdir", "subset_hook_caller"), ())
        or lacking("xdist's WorkerInteractor", WorkerInteractor, INTERACTOR_METHODS, ())
        or lacking("execnet's Group", Group, ("allocate_id",), ())
        or lacking("execnet's XSpec", XSpec, (), ("env",))
        or lacking("xdist's DSession", DSession, DSESSION_METHODS, ("_session", "shuttingdown", "nodemanager"))
    )


def missing_start_api(group: Group) -> str | None:
    """What is missing to start the processes of this group by fork, in words; None when all is there."""
    from execnet import gateway_io

    if not hasattr(gateway_io, "popen_bootstrapline"):
        return "execnet's gateway_io has no popen_bootstrapline"
    return lacking("execnet's Group", type(group), ("execmodel", "remote_execmodel", "set_execmodel"), ()) or lacking(
        "execnet's execution model", type(group.execmodel), ("subprocess",), ()
    )


def set_function(implementation: HookImpl, function: Callable[..., Any]) -> None:
    """Replaces the function of a hook implementation, from the next call of the hook on. Raises AttributeError if pluggy forbids it."""
    implementation.function = function  # type: ignore[misc]  # final in its annotations only: pluggy calls what is stored


def lacking(name: str, kind: Any, methods: tuple[str, ...], attributes: tuple[str, ...]) -> str | None:
    """The first missing name. Looks for methods on the class, and for attributes in its annotations and the code of `__init__`."""
    declared = {*kind.__init__.__code__.co_names, *getattr(kind, "__annotations__", ())} if attributes else ()
    for each in (*methods, *attributes):
        if not hasattr(kind, each) and each not in declared:
            return f"{name} has no {each}"
    return None
