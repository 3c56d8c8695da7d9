"""The key under which a stored digest of a file is valid: the same conftests, plugins, ini file, options, Python and pytest."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from typing import TYPE_CHECKING

import pytest

from .file_digest import stable
from .modules import is_own

if TYPE_CHECKING:
    from collections.abc import Iterator

# Options that name files or machines, or change the output or the number of processes, but not what is collected.
OTHER_OPTIONS = frozenset(
    """
    basetemp cacheclear cacheshow capture code_highlight collectonly color confcutdir debug dist distload durations durations_min
    file_or_dir force_short_summary fold_skipped help inifilename junitprefix log_auto_indent log_cli_date_format log_cli_format
    log_cli_level log_date_format log_file log_file_date_format log_file_format log_file_level log_file_mode log_format log_level looponfail
    loopgroup markers maxfail maxprocesses maxworkerrestart no_header no_summary no_loadscope_reorder numprocesses pastebin plugins px quiet
    reportchars rootdir rsyncdir rsyncignore setuponly setupplan setupshow show_capture show_fixtures show_fixtures_per_test showlocals
    tbstyle testrunuid trace traceconfig tx usepdb usepdb_cls verbose version xfail_tb xmlpath
    """.split()
)


def census_key(config: pytest.Config) -> str:
    """SHA-256 in hex."""
    parts = {
        "python": [platform.python_implementation(), *sys.version_info[:3]],
        "pytest": pytest.__version__,
        "plugins": sorted(f"{each.metadata['Name']} {each.version}" for _, each in config.pluginmanager.list_plugin_distinfo()),
        "modules": sorted(local_modules(config)),
        "ini": None if config.inipath is None else file_content(str(config.inipath)),
        "options": sorted(f"{name}={value}" for name, value in options(config)),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("utf-8")).hexdigest()


def options(config: pytest.Config) -> Iterator[tuple[str, str]]:
    """The options that matter, with stable texts for their values."""
    for name, value in vars(config.option).items():
        if name not in OTHER_OPTIONS:
            yield name, stable(value)


def local_modules(config: pytest.Config) -> Iterator[str]:
    """Conftests, and workspace modules that are loaded as plugins: path from the root, and digest of the content."""
    root = str(config.rootpath)
    for plugin in config.pluginmanager.get_plugins():
        path = getattr(plugin, "__file__", None)
        if not isinstance(path, str) or is_own(getattr(plugin, "__name__", None)):
            continue
        if os.path.basename(path) == "conftest.py" or (path.startswith(root + os.sep) and "site-packages" not in path):
            shown = os.path.relpath(path, root).replace(os.sep, "/")
            yield f"{shown} {file_content(path)}"


def file_content(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return "unreadable"
