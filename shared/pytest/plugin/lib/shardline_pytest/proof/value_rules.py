"""The rules for expressions: each gives the kind of its value, or raises Unproven if it may see more than one item."""

from __future__ import annotations

import ast
import pathlib
from typing import TYPE_CHECKING

import pytest

from .call_rules import Calls
from .call_tables import CHANGING_METHODS
from .config_values import CONFIG_ROOT
from .kinds import (
    CONFIG,
    COPY,
    DATA,
    FILE,
    FRESH,
    HOOK,
    ITEM,
    ITEMS,
    ITERATOR,
    KEPT,
    KNOWN,
    METAFUNC,
    MODULE,
    NODE,
    OBJECT,
    OUTCOME,
    OWN_NODE,
    PLUGINMANAGER,
    SESSION,
    USABLE,
    Value,
)
from .known_values import CODE_TYPES, MISSING, Changeable, attribute, frozen, is_data
from .literal_globals import is_own_literal
from .modules import is_own
from .own_values import OBJECT_NAMES, is_unchangeable
from .rules import shown
from .unproven import Unproven

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from .kinds import Chain, Token

ITEM_DATA = frozenset("callspec fixturenames fspath keywords location name nodeid originalname own_markers path user_properties".split())
ITEM_OBJECTS = frozenset(["cls", "dtest", "function", "instance", "obj", "parent"])
# Of an item: texts that cannot change, and its own file.
ITEM_TEXTS = frozenset(["name", "nodeid", "originalname"])
OWN_PATHS = frozenset(["fspath", "path"])
NODE_OBJECTS = frozenset(["cls", "module", "obj", "parent"])
METAFUNC_OBJECTS = frozenset(["cls", "function"])
HIDDEN = frozenset(["_session", "_store", "items", "stash", "testscollected", "_collection_cache", "__globals__", "__dict__"])
MODULE_DATA = frozenset(["__doc__", "__file__", "__name__", "__package__", "pytestmark"])


class Expressions(Calls):
    """Judges expressions, by the name of the syntax node."""

    def evaluate(self, node: ast.expr) -> Value:
        """The value of an expression."""
        method: Callable[[Any], Value] | None = getattr(self, f"value_of_{type(node).__name__}", None)
        if method is None:
            raise Unproven(node.lineno, f"has a form that cannot be judged ({type(node).__name__})")
        return method(node)

    def use(self, node: ast.expr) -> Value:
        """The value of an expression that is an operand or argument."""
        value = self.evaluate(node)
        return self.used(value, node)

    def used(self, value: Value, node: ast.expr) -> Value:
        """The value as an operand. Raises Unproven if its kind must not be used so."""
        if value.kind == KNOWN:
            return self.known_as_data(value, node)
        if value.kind in USABLE:
            self.check_consumed(value, node)
            if value.path == ("params",) and not self.prover.own_values.are_parameters_own(None):
                raise Unproven(node.lineno, f"reads {shown(node)}, which files may share")
            return value
        raise Unproven(node.lineno, WHY_NOT_USED.get(value.kind, f"uses {shown(node)}"))

    def known_as_data(self, value: Value, node: ast.expr) -> Value:
        """A known value as data. Raises Unproven if it has changed or may change."""
        try:
            token = frozen(value.value)
        except Changeable as changeable:
            raise Unproven(node.lineno, f"reads {shown(node)}, whose value ({changeable}) may change") from changeable
        if value.chain is not None and value.chain[0] == CONFIG_ROOT:
            self.check_config(value.chain, token, node)
        elif value.chain is not None and token[0] not in ("code", "marks", "environment"):
            if self.subject.tokens.get(value.chain, token) != token:
                raise Unproven(node.lineno, f"reads {shown(node)}, which changed during collection")
            if self.subject.is_late or value.chain not in self.subject.tokens:
                if len(value.chain) > 1 or not is_own_literal(self.subject.path, value.chain[0], value.value):
                    raise Unproven(node.lineno, f"reads {shown(node)}, which an earlier file may have changed")
        used = Value(DATA if is_data(value.value) else OBJECT)
        used.is_new = is_unchangeable(value.value)
        used.constant = value.value if isinstance(value.value, (str, pathlib.PurePath)) else None
        return used

    def check_config(self, chain: Chain, token: Token, node: ast.expr) -> None:
        tokens = self.prover.config_values.tokens
        if chain not in tokens:
            is_code = token[0] in ("code", "marks", "environment")
            if not (is_code and self.prover.config_values.is_of_class(chain)):
                raise Unproven(node.lineno, f"reads {shown(node)}, which came during collection")
        elif tokens[chain] != token:
            raise Unproven(node.lineno, f"reads {shown(node)}, which changed during collection")

    def check_code(self, value: object, chain: Chain | None, node: ast.expr) -> None:
        """A function, class or module must be the one that its name meant at the start."""
        if chain is None or not isinstance(value, CODE_TYPES):
            return
        tokens = self.prover.config_values.tokens if chain[0] == CONFIG_ROOT else self.subject.tokens
        if tokens.get(chain) not in (None, ("code", id(value))):
            raise Unproven(node.lineno, f"reads {shown(node)}, which changed during collection")

    # Names and attributes.

    def value_of_Name(self, node: ast.Name) -> Value:
        if node.id in self.env:
            return self.env[node.id]
        value = self.subject.root(node.id)
        if value is MISSING:
            why = "may keep `%s` from one item to the next" if node.id in self.subject.locals else "reads `%s`, which is not known"
            raise Unproven(node.lineno, why % node.id)
        return self.known(value, (node.id,), node)

    def known(self, value: object, chain: Chain | None, node: ast.expr) -> Value:
        self.check_code(value, chain, node)
        if value is self.config:
            return Value(CONFIG)
        return Value(SESSION) if isinstance(value, pytest.Session) else Value(KNOWN, None, value, chain)

    def value_of_Attribute(self, node: ast.Attribute) -> Value:
        return self.attribute_of(self.evaluate(node.value), node.attr, node)

    def attribute_of(self, base: Value, name: str, node: ast.expr) -> Value:
        if base.kind == KNOWN:
            found = attribute(base.value, name)
            if found is not MISSING:
                return self.known(found, None if base.chain is None else (*base.chain, name), node)
            if is_data(base.value) and name not in CHANGING_METHODS:
                self.known_as_data(base, node)
                return self.part_of_path(base.value, name)
            raise Unproven(node.lineno, f"reads {shown(node)}, which is not known")
        if name in HIDDEN and not (base.kind == SESSION and name == "items"):
            raise Unproven(node.lineno, f"reads {shown(node)}")
        if base.kind == CONFIG:
            return self.config_attribute(name, node)
        if name == "config" and base.kind in (ITEM, NODE, METAFUNC, SESSION, OBJECT, OWN_NODE):
            return Value(CONFIG)
        if name == "session" and base.kind != DATA:
            return Value(SESSION)
        if name == "ihook" and base.kind in (ITEM, NODE, OBJECT):
            return Value(HOOK)
        if name == "module" and base.kind in (ITEM, METAFUNC, NODE):
            return Value(MODULE)
        if base.kind == SESSION and name == "items":
            return Value(ITEMS)
        if base.kind == DATA and name not in CHANGING_METHODS:
            return self.attribute_of_data(base, name, node)
        if base.kind == OWN_NODE and name in ITEM_DATA:
            return self.item_data(name)
        if base.kind == OWN_NODE:
            return self.own_attribute(name, node)
        if base.kind == OBJECT:
            return self.attribute_of_object(base, name, node)
        if base.kind == MODULE and name in MODULE_DATA:
            return Value(DATA)
        if base.kind == METAFUNC and name == "definition":
            return Value(ITEM)
        if base.kind == OUTCOME and name in ("excinfo", "exception"):
            return Value(OBJECT)
        if base.kind in (ITEM, NODE, METAFUNC) and name in ITEM_DATA:
            return self.item_data(name)
        objects = {ITEM: ITEM_OBJECTS, NODE: NODE_OBJECTS, METAFUNC: METAFUNC_OBJECTS}.get(base.kind, ())
        if name in objects:
            return Value(OBJECT, path=(name,) if base.kind in (ITEM, METAFUNC) else None)
        raise Unproven(node.lineno, f"reads {shown(node)}")

    def config_attribute(self, name: str, node: ast.expr) -> Value:
        if name == "pluginmanager":
            return Value(PLUGINMANAGER)
        if name == "hook":
            return Value(HOOK)
        if name == "option":
            return Value(KNOWN, None, self.config.option, (CONFIG_ROOT, "option"))
        if name in ("rootdir", "rootpath", "inipath", "invocation_params"):
            value = Value(DATA, is_new=True)
            value.constant = getattr(self.config, name, None) if name in ("rootpath", "inipath") else None
            return value
        found = attribute(self.config, name)
        if found is MISSING:
            raise Unproven(node.lineno, f"reads {shown(node)}, which is not known")
        self.check_code(found, (CONFIG_ROOT, name), node)
        return Value(KNOWN, None, found, (CONFIG_ROOT, name))

    def item_data(self, name: str) -> Value:
        value = Value(DATA, is_new=name in ITEM_TEXTS)
        value.is_of_test = name in OWN_PATHS
        return value

    def attribute_of_data(self, base: Value, name: str, node: ast.expr) -> Value:
        if name in ("args", "kwargs"):
            mark = base.path[1] if base.path is not None and base.path[0] == "mark" else None
            if not self.prover.own_values.are_marks_own(mark):
                raise Unproven(node.lineno, f"reads {shown(node)}, which files may share")
        if name == "params":
            return Value(DATA, path=("params",))
        if isinstance(base.constant, pathlib.PurePath):
            return self.part_of_path(base.constant, name)
        return Value(DATA)

    def part_of_path(self, path: object, name: str) -> Value:
        value = Value(DATA)
        if isinstance(path, pathlib.PurePath) and name in ("name", "parent", "stem", "suffix"):
            value.constant = getattr(path, name)
        return value

    def attribute_of_object(self, base: Value, name: str, node: ast.expr) -> Value:
        if base.path is None:
            if name in OBJECT_NAMES:
                return Value(OBJECT)
            raise Unproven(node.lineno, f"reads {shown(node)}, which files may share")
        if base.path == ("own",):
            return Value(OBJECT, path=base.path)
        path = (*base.path, name)
        is_plain = self.prover.own_values.judge(path)
        if is_plain is None:
            raise Unproven(node.lineno, f"reads {shown(node)}, which files may share")
        return Value(DATA) if is_plain else Value(OBJECT, path=path)

    def own_attribute(self, name: str, node: ast.expr) -> Value:
        """An attribute of a collector or item of the suite. Its class's values are shared by all of its kind."""
        for kind in self.own_class.__mro__ if self.own_class is not None else ():
            found = vars(kind).get(name, MISSING)
            if found is MISSING:
                continue
            if not is_own(kind.__module__) and not is_unchangeable(found) and not isinstance(found, (property, classmethod, staticmethod)):
                raise Unproven(node.lineno, f"reads {shown(node)}, which files may share")
            break
        return Value(OBJECT, path=None if name in NODE_OBJECTS else ("own",))

    # Data from data.

    def value_of_Constant(self, node: ast.Constant) -> Value:
        value = Value(DATA, is_new=True)
        value.constant = node.value if isinstance(node.value, str) else None
        return value

    def value_of_JoinedStr(self, node: ast.JoinedStr) -> Value:
        for part in node.values:
            self.use(part)
        return Value(DATA, is_new=True)

    def value_of_FormattedValue(self, node: ast.FormattedValue) -> Value:
        self.use(node.value)
        if node.format_spec is not None:
            self.use(node.format_spec)
        return Value(DATA, is_new=True)

    def value_of_List(self, node: ast.List | ast.Set | ast.Tuple) -> Value:
        for part in node.elts:
            self.use_as_part(part)
        value = Value(FRESH, self.scope)
        value.is_empty_list = isinstance(node, ast.List) and not node.elts
        return value

    value_of_Set = value_of_List

    def value_of_Tuple(self, node: ast.Tuple) -> Value:
        self.value_of_List(node)
        return Value(DATA, is_new=True)

    def value_of_Dict(self, node: ast.Dict) -> Value:
        for part in [*node.keys, *node.values]:
            if part is not None:
                self.use_as_part(part)
        return Value(FRESH, self.scope)

    def use_as_part(self, node: ast.expr) -> None:
        if self.use(node).kind in (ITERATOR, FILE) and not isinstance(node, ast.Starred):
            raise Unproven(node.lineno, "puts an iterator or file into a container")

    def value_of_Starred(self, node: ast.Starred) -> Value:
        return self.use(node.value)

    def value_of_Slice(self, node: ast.Slice) -> Value:
        for part in (node.lower, node.upper, node.step):
            if part is not None:
                self.use(part)
        return Value(DATA)

    def value_of_Subscript(self, node: ast.Subscript) -> Value:
        base = self.evaluate(node.value)
        if base.kind == ITEMS and is_whole_slice(node.slice):
            return Value(COPY, self.scope)
        if base.kind in (ITEMS, COPY, KEPT):
            raise Unproven(node.lineno, "takes items by their position")
        if base.path == ("params",):
            return self.parameter(node, constant_of(node.slice))
        base = self.used(base, node.value)
        self.use(node.slice)
        if base.kind in (ITERATOR, FILE, SESSION, CONFIG):
            raise Unproven(node.lineno, f"reads {shown(node)}")
        return Value(
            OBJECT if base.kind in (OBJECT, OWN_NODE, MODULE) else DATA,
            path=base.path if base.path and base.path[0] in ("mark", "own") else None,
        )

    def parameter(self, node: ast.expr, name: str | None) -> Value:
        """`item.callspec.params["n"]`, or the same by `get`."""
        if not self.prover.own_values.are_parameters_own(name):
            raise Unproven(node.lineno, f"reads {shown(node)}, which files may share")
        return Value(DATA)

    def value_of_BinOp(self, node: ast.BinOp) -> Value:
        left, right = [self.use(part) for part in (node.left, node.right)]
        value = Value(DATA, is_new=True)
        if isinstance(node.op, ast.Div):
            if isinstance(left.constant, pathlib.PurePath) and right.constant is not None:
                value.constant = left.constant / right.constant
        return value

    def value_of_UnaryOp(self, node: ast.UnaryOp) -> Value:
        self.use(node.operand)
        return Value(DATA, is_new=True)

    def value_of_Compare(self, node: ast.Compare) -> Value:
        self.use(node.left)
        for operator, part in zip(node.ops, node.comparators):
            value = self.evaluate(part)
            # Names of parameters are texts.
            if not (value.path == ("params",) and isinstance(operator, (ast.In, ast.NotIn))):
                self.used(value, part)
        return Value(DATA, is_new=True)

    def value_of_BoolOp(self, node: ast.BoolOp) -> Value:
        kinds = {self.use(node.values[0]).kind}
        env = dict(self.env)
        for part in node.values[1:]:
            kinds.add(self.use(part).kind)
        self.env = env
        return self.either(kinds)

    def either(self, kinds: set[str]) -> Value:
        """The value of one of several expressions."""
        if ITERATOR in kinds or FILE in kinds:
            return Value(ITERATOR, self.scope)
        return Value(kinds.pop() if len(kinds) == 1 and kinds <= {DATA, OBJECT, ITEM, NODE} else OBJECT)

    def value_of_IfExp(self, node: ast.IfExp) -> Value:
        self.use(node.test)
        env = dict(self.env)
        kinds = {self.use(part).kind for part in (node.body, node.orelse)}
        self.env = env
        return self.either(kinds)

    def value_of_NamedExpr(self, node: ast.NamedExpr) -> Value:
        value = self.use(node.value)
        self.bind(node.target, value)
        return value

    def value_of_Lambda(self, node: ast.Lambda) -> Value:
        self.check_nested(node)
        self.check_defaults(node.args)
        env = dict(self.env)
        for each in ast.walk(node.args):
            if isinstance(each, ast.arg):
                self.env[each.arg] = Value(DATA)
        self.use(node.body)
        self.env = env
        return Value(OBJECT)

    # Comprehensions.

    def value_of_ListComp(self, node: ast.ListComp) -> Value:
        over = self.evaluate(node.generators[0].iter)
        if over.kind in (ITEMS, COPY):
            return self.filtered(node)
        self.comprehension(node, [node.elt])
        return Value(FRESH, self.scope)

    def value_of_SetComp(self, node: ast.SetComp) -> Value:
        self.comprehension(node, [node.elt])
        return Value(FRESH, self.scope)

    def value_of_GeneratorExp(self, node: ast.GeneratorExp) -> Value:
        self.comprehension(node, [node.elt])
        return Value(ITERATOR, self.scope)

    def value_of_DictComp(self, node: ast.DictComp) -> Value:
        self.comprehension(node, [node.key, node.value])
        return Value(FRESH, self.scope)

    def filtered(self, node: ast.ListComp) -> Value:
        """`[item for item in items if …]`: a new list, with each item judged separately."""
        generator = node.generators[0]
        target = generator.target
        if not isinstance(target, ast.Name) or not isinstance(node.elt, ast.Name) or node.elt.id != target.id:
            raise Unproven(node.lineno, "reads the list of items as a whole")
        if len(node.generators) != 1 or self.scope is not None or generator.is_async:
            raise Unproven(node.lineno, "reads the list of items as a whole")
        env, scope = dict(self.env), self.scope
        self.scope = node
        self.env[target.id] = Value(ITEM, node)
        for condition in generator.ifs:
            self.check_no_walrus(condition)
            self.use(condition)
        self.env, self.scope = env, scope
        value = Value(KEPT, scope)
        value.condition = generator.ifs[0] if len(generator.ifs) == 1 else None
        return value

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, elements: Iterable[ast.expr]) -> None:
        self.check_no_walrus(node)
        env = dict(self.env)
        for generator in node.generators:
            over = self.use(generator.iter)
            for name in (each.id for each in ast.walk(generator.target) if isinstance(each, ast.Name)):
                self.env[name] = self.element_of(over)
            for condition in generator.ifs:
                self.use(condition)
        for element in elements:
            self.use(element)
        self.env = env

    def element_of(self, over: Value) -> Value:
        """The value that a loop over it gives."""
        is_mark = over.path is not None and over.path[0] in ("mark", "own")
        return Value(DATA if over.kind in (DATA, FRESH, ITERATOR, FILE) else OBJECT, path=over.path if is_mark else None)

    def check_no_walrus(self, node: ast.expr) -> None:
        if any(isinstance(each, ast.NamedExpr) for each in ast.walk(node)):
            raise Unproven(node.lineno, "assigns inside a comprehension")

    def check_consumed(self, value: Value, node: ast.expr) -> None:
        """An iterator, which can be consumed once only, must come from the same scope."""
        if value.kind in (ITERATOR, FILE) and isinstance(node, ast.Name) and value.scope is not self.scope:
            raise Unproven(node.lineno, f"goes on through `{node.id}` from one item to the next")

    # Hook wrappers and generators.

    def value_of_Yield(self, node: ast.Yield) -> Value:
        if self.scope is not None and not self.is_collector:
            raise Unproven(node.lineno, "yields inside a loop over the items")
        if node.value is not None:
            self.use(node.value)
        return Value(OUTCOME)

    def value_of_YieldFrom(self, node: ast.YieldFrom) -> Value:
        if not self.is_collector:
            raise Unproven(node.lineno, "yields from another generator")
        self.use(node.value)
        return Value(OUTCOME)


WHY_NOT_USED = {
    ITEMS: "reads the list of items as a whole",
    COPY: "reads the list of items as a whole",
    KEPT: "reads the list that it fills from the items",
    SESSION: "uses the session",
    HOOK: "uses hooks",
    PLUGINMANAGER: "uses the plugin manager",
}


def constant_of(node: ast.AST) -> str | None:
    """The text of a literal, else None."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def is_whole_slice(node: ast.AST) -> bool:
    return isinstance(node, ast.Slice) and node.lower is None and node.upper is None and node.step is None
