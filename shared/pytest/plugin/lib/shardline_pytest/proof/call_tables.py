"""Calls without effects, by name. All other calls by a hook must be judged themselves, or are not proven."""

from __future__ import annotations

import builtins
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Methods of texts, bytes, numbers, paths, dicts, lists, sets, patterns, matches and marks that only read.
PURE_METHODS = frozenset(
    """
    as_posix as_uri absolute basename bit_length capitalize casefold check combined_with common copy count decode difference dirname dirpath
    encode end endswith exists expanduser expandtabs find findall finditer format format_map fullmatch get group groupdict groups index
    intersection is_absolute is_dir is_file is_relative_to isalnum isalpha isascii isdecimal isdigit isdisjoint isidentifier islower
    isnumeric isspace issubset issuperset istitle isupper items join joinpath keys ljust lower lstrip match new partition purebasename
    read_bytes read_text relative_to relto removeprefix removesuffix replace resolve rfind rindex rjust rpartition rsplit rstrip samefile
    search span split splitlines start startswith stem strip sub subn suffix swapcase symmetric_difference title translate union upper
    values with_name with_suffix zfill __contains__ __getitem__ __eq__
    """.split()
)
# They return a part of their object, which something else may hold.
ELEMENT_METHODS = frozenset(["get", "items", "keys", "values", "__getitem__"])
# They ask for the current state of a file or directory.
FILE_METHODS = frozenset(["check", "exists", "is_dir", "is_file", "open", "read_bytes", "read_text", "samefile"])
FILE_FUNCTIONS = frozenset("exists getatime getctime getmtime getsize isdir isfile islink ismount lexists samefile".split())
PATH_FUNCTIONS = {
    "genericpath": "*",
    "posixpath": "*",
    "ntpath": "*",
    "pathlib": "Path PurePath PosixPath PurePosixPath WindowsPath PureWindowsPath",
    "pathlib._local": "Path PurePath PosixPath PurePosixPath WindowsPath PureWindowsPath",
    "os": "fspath",
}
# Their result is known if their arguments are.
PATH_RESULTS = frozenset("Path PurePath abspath basename dirname fspath join normpath realpath str".split())
ITERATING_METHODS = frozenset(["finditer"])
# Methods that change a list, set or dict. Allowed if the function itself created it.
CHANGING_METHODS = frozenset("add append clear discard extend insert pop popitem remove reverse setdefault sort update".split())

ITEM_METHODS = frozenset(
    [
        "get_closest_marker",
        "getparent",
        "listchain",
        "listextrakeywords",
        "listnames",
        "reportinfo",
        "iter_markers",
        "iter_markers_with_node",
    ]
)
NODE_METHODS = frozenset([*ITEM_METHODS, "istestclass", "istestfunction", "funcnamefilter", "classnamefilter"])
CONFIG_METHODS = frozenset(["getini", "getoption", "getvalue", "getvalueorskip", "get_verbosity"])
PLUGINMANAGER_METHODS = frozenset(["hasplugin", "has_plugin", "get_plugin", "getplugin", "is_registered"])

ITERATORS = (builtins.iter, builtins.map, builtins.filter, builtins.zip, builtins.enumerate, builtins.reversed)
CONTAINERS = (builtins.list, builtins.tuple, builtins.set, builtins.frozenset, builtins.dict, builtins.sorted)
PURE_BUILTINS = (
    builtins.abs,
    builtins.all,
    builtins.any,
    builtins.bool,
    builtins.bytes,
    builtins.callable,
    builtins.divmod,
    builtins.float,
    builtins.format,
    builtins.int,
    builtins.isinstance,
    builtins.issubclass,
    builtins.len,
    builtins.max,
    builtins.min,
    builtins.ord,
    builtins.pow,
    builtins.range,
    builtins.repr,
    builtins.round,
    builtins.slice,
    builtins.str,
    builtins.sum,
    builtins.type,
)

# Module → names, "*" for all: of the standard library, of pytest, and of packages whose source was reviewed.
PURE_FUNCTIONS = {
    "fnmatch": "*",
    "genericpath": "*",
    "posixpath": "*",
    "ntpath": "*",
    "platform": "*",
    "re": "compile escape findall finditer fullmatch match search split sub subn",
    "math": "*",
    "pathlib": "Path PurePath PosixPath PurePosixPath WindowsPath PureWindowsPath",
    "pathlib._local": "Path PurePath PosixPath PurePosixPath WindowsPath PureWindowsPath",
    "os": "getenv fspath cpu_count getcwd",
    "inspect": "iscoroutinefunction isfunction isclass ismethod isgeneratorfunction isasyncgenfunction getdoc signature unwrap",
    "asyncio.coroutines": "iscoroutinefunction",
    "importlib.util": "find_spec",
    "importlib.metadata": "version",
    "shutil": "which",
    "itertools": "product chain combinations permutations",
    "json": "loads",
    "struct": "calcsize",
    "_pytest.mark": "param",
    "_pytest.outcomes": "importorskip",
    "packaging.version": "parse Version",
    "sklearn.externals._packaging.version": "parse Version",
}
# Allowed in `with …:`.
PURE_CONTEXTS = {"contextlib": "suppress", "warnings": "catch_warnings"}
ENVIRONMENT_METHODS = frozenset(["get", "copy", "keys", "values", "items", "__contains__"])


def is_listed(table: dict[str, str], callable_: object) -> bool:
    """Is the callable in a table of modules and names?"""
    names = table.get(getattr(callable_, "__module__", None) or "")
    if names is None and type(callable_) is type(os.getcwd):  # the platform's own module: posix, nt
        names = table.get("os") if callable_ is getattr(os, getattr(callable_, "__name__", ""), None) else None
    return names is not None and (names == "*" or getattr(callable_, "__name__", None) in names.split())


def is_one_of(callables: Iterable[object], callable_: object) -> bool:
    """Is it this very callable? Does not compare by `==`."""
    return any(callable_ is each for each in callables)
