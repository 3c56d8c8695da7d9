"""What the rules know about a value: its origin, which decides its allowed uses. Only known values are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast
    from pathlib import PurePath
    from typing import Any

# Plain data that does not depend on other items.
DATA = "data"
# Something of the suite or of pytest that may be read, not called: a class, a function, a parent node.
OBJECT = "object"
# The module of a test. Other code may write to it.
MODULE = "module"
ITEM = "item"
ITEMS = "items"
# A copy of the list, to loop over.
COPY = "copy"
# A new list of the items of a loop that meet a condition.
KEPT = "kept"
# A list, set or dict that the function itself created.
FRESH = "fresh"
ITERATOR = "iterator"
FILE = "file"
CONFIG = "config"
PLUGINMANAGER = "pluginmanager"
SESSION = "session"
NODE = "node"
METAFUNC = "metafunc"
HOOK = "hook"
OUTCOME = "outcome"
# A value that a name outside the function refers to, in `value`.
KNOWN = "known"
# The plugin's or collector's own object, to which a collector may write.
OWN_NODE = "own-node"

Chain = tuple[str, ...]
"""A name with its attributes: `("os", "path", "join")`."""
Token = tuple[object, ...]
"""A hashable value that is equal as long as what it stands for is unchanged."""

USABLE = frozenset([DATA, OBJECT, MODULE, ITEM, FRESH, ITERATOR, FILE, CONFIG, NODE, METAFUNC, OUTCOME, OWN_NODE])

# Kinds of the parameters of pytest's hooks. All others are data.
PARAMETERS = {
    "items": ITEMS,
    "session": SESSION,
    "config": CONFIG,
    "item": ITEM,
    "collector": NODE,
    "parent": NODE,
    "metafunc": METAFUNC,
    "obj": OBJECT,
    "val": OBJECT,
    "report": DATA,
}


class Value:
    """`scope` is the loop over the items that created the value, None outside of one. `chain` names a known value as its function does.

    `path` is the way from the test to the value: ("cls", "cases"), ("mark", name) or ("params",). `is_new`: nothing else holds it, or it
    cannot change. `is_of_test`: a path or text that comes from the file of the test. `constant` is the text or path if it is known, else
    None. A KEPT value is filled by `loop`, or filtered by `condition`.
    """

    __slots__ = (
        "chain",
        "condition",
        "constant",
        "is_empty_list",
        "is_new",
        "is_of_test",
        "kind",
        "loop",
        "name",
        "path",
        "scope",
        "value",
    )

    def __init__(
        self,
        kind: str,
        scope: object = None,
        value: Any | None = None,
        chain: Chain | None = None,
        path: tuple[str | None, ...] | None = None,
        is_new: bool = False,
    ) -> None:
        self.kind = kind
        self.scope = scope
        self.value = value
        self.chain = chain
        self.path = path
        self.is_new = is_new
        self.is_of_test = False
        self.constant: str | PurePath | None = None
        self.condition: ast.expr | None = None
        self.loop: ast.For | None = None
        self.is_empty_list = False
        self.name: str | None = None
