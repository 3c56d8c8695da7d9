"""Plugins whose hooks were reviewed, in the given versions, and found to treat each file separately, some under a condition."""

from __future__ import annotations

from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING

from .modules import top_package

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Optional

    import pytest

    Condition = Callable[[pytest.Config, pytest.Session], Optional[str]]


class Review:
    """Applies to versions from `since` to before `before`, as (major, minor)."""

    def __init__(
        self, module: str, package: str, since: tuple[int, int], before: tuple[int, int], why: str, condition: Condition | None = None
    ) -> None:
        self.module = module
        self.package = package
        self.since = since
        self.before = before
        self.why = why
        self.condition = condition

    def is_of_version(self) -> bool:
        version = version_of(self.package)
        return version is not None and self.since <= version < self.before

    def problem(self, config: pytest.Config, session: pytest.Session) -> str | None:
        """Why the plugin is not harmless with these options and items; None when it is."""
        return None if self.condition is None else self.condition(config, session)


@cache
def version_of(package: str) -> tuple[int, ...] | None:
    """(major, minor) of an installed package; None if it is not installed."""
    try:
        parts = metadata.version(package).split(".")[:2]
    except metadata.PackageNotFoundError:
        return None
    return tuple(int("".join(filter(str.isdigit, part)) or 0) for part in parts)


def reads_all_items(config: pytest.Config, session: pytest.Session) -> str | None:
    return "reads the whole list with --fail-on-flaky" if config.getoption("fail_on_flaky", False) else None


def runs_forever(config: pytest.Config, session: pytest.Session) -> str | None:
    return "runs the whole list again and again with --forever" if config.getoption("forever", False) else None


def excludes_doctests(config: pytest.Config, session: pytest.Session) -> str | None:
    for name in ("doctest_norecursedirs", "doctest_subpackage_requires"):
        if config.getini(name):
            return f"remembers the paths of {name} for later files"
    return None


def orders_transactions(config: pytest.Config, session: pytest.Session) -> str | None:
    """pytest-django runs tests that flush the database after the tests of all files that rely on its content.

    Without such tests, the order has no effect.
    """
    flushing: set[Path] = set()
    using: set[Path] = set()
    for item in list.__iter__(session.items):
        kind = database_use(item)
        if kind is not None:
            (flushing if kind == "flush" else using).add(item.path)
    if flushing and len(flushing | using) > 1:
        return "runs transactional tests after the database tests of all files"
    return None


def database_use(item: pytest.Item) -> str | None:
    """ "flush" or "use"; None for a test without database."""
    fixtures = getattr(item, "fixturenames", ())
    marker = item.get_closest_marker("django_db")
    is_flushing = marker is not None and bool(
        marker.kwargs.get("transaction") or marker.kwargs.get("reset_sequences") or any(marker.args[:2])
    )
    names = [each.__name__ for each in getattr(getattr(item, "cls", None), "__mro__", ())]
    if (
        is_flushing
        or "transactional_db" in fixtures
        or "live_server" in fixtures
        or ("TransactionTestCase" in names and "TestCase" not in names)
    ):
        return "flush"
    return "use" if marker is not None or "db" in fixtures or "TransactionTestCase" in names else None


REVIEWS = (
    Review(
        "_hypothesis_pytestplugin",
        "hypothesis",
        (6, 0),
        (7, 0),
        "marks each of its tests, and reads constants of the code once, as a cache",
    ),
    Review("anyio", "anyio", (3, 0), (5, 0), "marks coroutine functions, and puts the variants of an item in its place"),
    Review("pytest_arraydiff", "pytest-arraydiff", (0, 5), (1, 0), "wraps the function of each item"),
    Review("pytest_asyncio", "pytest-asyncio", (0, 21), (2, 0), "turns each coroutine function into an item, and parametrises it"),
    Review("pytest_bdd", "pytest-bdd", (6, 0), (10, 0), "writes its report of what ran"),
    Review("pytest_benchmark", "pytest-benchmark", (4, 0), (6, 0), "skips each item by its fixtures; benchmarks do not run under xdist"),
    Review("pytest_codspeed", "pytest-codspeed", (3, 0), (6, 0), "keeps each item by its own marks and fixtures"),
    Review("pytest_cov", "pytest-cov", (4, 0), (8, 0), "measures around the loop of tests"),
    Review(
        "pytest_django", "pytest-django", (4, 5), (5, 0), "marks by tags, and sorts tests by their use of the database", orders_transactions
    ),
    Review("pytest_doctestplus", "pytest-doctestplus", (1, 0), (2, 0), "collects the doctests of a file", excludes_doctests),
    Review("pytest_filter_subpackage", "pytest-filter-subpackage", (0, 1), (1, 0), "ignores each path by its name"),
    Review("pytest_html", "pytest-html", (3, 0), (5, 0), "counts items for a report, in pytest's main process"),
    Review("pytest_instafail", "pytest-instafail", (0, 4), (1, 0), "prints"),
    Review("pytest_mpl", "pytest-mpl", (0, 13), (1, 0), "writes the results of what ran"),
    Review("pytest_repeat", "pytest-repeat", (0, 9), (1, 0), "parametrises each function"),
    Review(
        "pytest_rerunfailures", "pytest-rerunfailures", (10, 0), (17, 0), "reads the list at the end for --fail-on-flaky", reads_all_items
    ),
    Review("pytest_run_parallel", "pytest-run-parallel", (0, 5), (1, 0), "wraps the function of each item", runs_forever),
    Review("pytest_sugar", "pytest-sugar", (0, 9), (2, 0), "counts items for what it prints"),
    Review("pytest_trio", "pytest-trio", (0, 7), (1, 0), "marks each coroutine function"),
)


def review_of(function: object, config: pytest.Config) -> Review | None:
    """The review that applies to this function, or None."""
    module = top_package(getattr(function, "__module__", None))
    for review in REVIEWS:
        if review.module == module and review.is_of_version():
            return review
    return None


def reviewed_packages() -> frozenset[str]:
    return frozenset(review.module for review in REVIEWS if review.is_of_version())
