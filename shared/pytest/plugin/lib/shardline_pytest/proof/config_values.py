"""Values that hooks read from the config, recorded when the first collection begins, to detect later changes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .known_values import MISSING, Changeable, attribute, frozen
from .subject import chains

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pytest

    from .kinds import Chain, Token
    from .subject import Subject

# The first part of the chain of a value from the config.
CONFIG_ROOT = "<config>"


class ConfigValues:
    """Maps the chain of a value to its token, or to None if it is not plain data."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.tokens: dict[Chain, Token | None] = {}

    def record(self, subjects: Iterable[Subject]) -> None:
        """Records the config, the options, and the values that the known functions (`subjects`) read from them."""
        for name, value in vars(self.config).items():
            self.remember((name,), value)
        for name, value in vars(self.config.option).items():
            self.remember(("option", name), value)
        for tree in (subject.tree for subject in subjects if subject.tree is not None):
            for chain in chains(tree):
                if "config" in chain:
                    self.follow(chain[chain.index("config") + 1 :])
            for name in ini_names(tree):
                value = self.ini(name)
                if value is not MISSING:
                    self.remember(("getini", name), value)

    def remember(self, chain: Chain, value: object) -> None:
        try:
            self.tokens[(CONFIG_ROOT, *chain)] = frozen(value)
        except Changeable:
            self.tokens[(CONFIG_ROOT, *chain)] = None

    def follow(self, names: Chain) -> None:
        value = self.config
        for depth, name in enumerate(names):
            value = attribute(value, name)
            if value is MISSING:
                return
            self.remember(names[: depth + 1], value)

    def ini(self, name: str) -> object:
        """An ini value; MISSING if pytest does not know it."""
        try:
            return self.config.getini(name)
        except (ValueError, KeyError):
            return MISSING

    def option(self, name: str) -> tuple[Chain, object]:
        """(chain, value) of what `getoption` returns."""
        key = getattr(self.config, "_opt2dest", {}).get(name, name)
        return (CONFIG_ROOT, "option", key), getattr(self.config.option, key, MISSING)

    def changed_option(self) -> str | None:
        """The name of an option that has changed or is not plain data; None without any."""
        for name, value in vars(self.config.option).items():
            try:
                token = frozen(value)
            except Changeable:
                return name
            if self.tokens.get((CONFIG_ROOT, "option", name)) != token:
                return name
        return None

    def is_of_class(self, chain: Chain) -> bool:
        """Is it defined by pytest's own class, not stored in the config?"""
        return len(chain) == 2 and chain[1] not in vars(self.config)


def ini_names(tree: ast.AST) -> Iterator[str]:
    """The literal names in calls of `getini`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "getini":
            name = constant_argument(node, "name")
            if name is not None:
                yield name


def constant_argument(node: ast.Call, keyword: str) -> str | None:
    """The text that a call passes first or by this keyword; None if it is not a literal."""
    given = node.args[0] if node.args else next((each.value for each in node.keywords if each.arg == keyword), None)
    return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else None
