"""The rules for calls: reads of one item, marks, options, pure functions, and functions of the suite, which are judged themselves."""

from __future__ import annotations

import ast
import builtins
import pathlib
from typing import TYPE_CHECKING

import pytest

from . import call_tables as tables
from .config_values import CONFIG_ROOT, constant_argument
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
    NODE,
    OBJECT,
    OUTCOME,
    OWN_NODE,
    PLUGINMANAGER,
    SESSION,
    Value,
)
from .known_values import ANY_MARK, ENVIRONMENT, MISSING, attribute, is_data
from .own_values import OBJECT_NAMES
from .rules import Rules, shown
from .subject import plain_function
from .unproven import Unproven

if TYPE_CHECKING:
    from typing import Any

PARSERS = frozenset([("json", "load"), ("yaml", "safe_load"), ("tomllib", "load"), ("tomli", "load")])
FILE_METHODS = frozenset(["read", "readline", "readlines"])


class Calls(Rules):
    """Judges `f(…)`."""

    def value_of_Call(self, node: ast.Call) -> Value:
        if isinstance(node.func, ast.Attribute):
            return self.method_call(node, node.func)
        called = self.evaluate(node.func)
        if called.kind != KNOWN:
            raise Unproven(node.lineno, self.calls(node))
        return self.call_known(node, called)

    def calls(self, node: ast.Call) -> str:
        return f"calls {shown(node.func)}"

    def arguments(self, node: ast.Call, callback: str | int | None = None) -> list[Value]:
        """The values of the arguments.

        The called function may call a function among them, so each of these must be a known callback, which is judged.
        """
        found = []
        for name, each in [*enumerate(node.args), *((keyword.arg, keyword.value) for keyword in node.keywords)]:
            value = self.evaluate(each)
            if name in CALLBACKS or name == callback:
                self.check_callback(value, each, name == "ids")
            elif (
                value.kind == KNOWN
                and not isinstance(value.value, type)
                and callable(value.value)
                and not isinstance(value.value, pytest.MarkDecorator)
            ):
                raise Unproven(node.lineno, f"passes {shown(each)} on")
            found.append(self.used(value, each))
        return found

    def check_callback(self, value: Value, node: ast.expr, may_be_data: bool) -> None:
        """Judges a function that the called function calls."""
        if isinstance(node, (ast.Lambda, ast.Constant)) or (may_be_data and value.kind in (DATA, FRESH)):
            return
        if value.kind == KNOWN:
            known = value.value
            if (
                known is None
                or tables.is_one_of(tables.PURE_BUILTINS, known)
                or tables.is_listed(tables.PURE_FUNCTIONS, known)
                or (may_be_data and is_data(known))
            ):
                return
            if plain_function(known) is not None:
                self.judge_callback(node, known)
                return
        raise Unproven(node.lineno, f"passes {shown(node)} on")

    def method_call(self, node: ast.Call, func: ast.Attribute) -> Value:
        """Judges `value.method(…)`, by the kind of the value."""
        base, name = self.evaluate(func.value), func.attr
        kind = base.kind
        if kind == KNOWN:
            found = attribute(base.value, name)
            if isinstance(base.value, pytest.MarkDecorator) and name == "with_args":
                return self.mark_call(node)
            if base.value is ENVIRONMENT and name in tables.ENVIRONMENT_METHODS:
                self.arguments(node)
                return Value(DATA, is_new=name == "get")
            if is_data(base.value) and not isinstance(base.value, MARKS):
                base = self.used(base, func.value)
                kind = DATA
            elif isinstance(base.value, type) and issubclass(base.value, (pytest.Item, pytest.Collector)) and name == "from_parent":
                return self.made_node(node, base.value)
            elif found is not MISSING:
                self.check_code(found, None if base.chain is None else (*base.chain, name), node)
                return self.call_known(node, Value(KNOWN, None, found), base)
            else:
                raise Unproven(node.lineno, self.calls(node))
        if kind in (ITEMS, COPY):
            return self.list_call(node, name)
        if name == "append" and self.is_kept_by(node, func, base):
            return Value(DATA)
        if kind == HOOK:
            return self.hook_call(node, name)
        if kind == CONFIG and name in tables.CONFIG_METHODS:
            return self.config_call(node, name)
        arguments = self.arguments(node)
        if base.path == ("params",) and name in tables.PURE_METHODS:
            return self.parameter(node, constant_argument(node, "key") if name == "get" else None)
        if name in tables.FILE_METHODS:
            self.check_file(base if kind != KNOWN else self.used(base, node), node)
        if kind == ITEM and name == "add_marker":
            return Value(DATA)
        methods = METHODS.get(kind, frozenset())
        if kind == FRESH and name in tables.CHANGING_METHODS and base.scope is self.scope:
            base.is_empty_list = False
            return Value(DATA)
        if name in methods:
            if name in ("get_closest_marker", "iter_markers"):
                path = ("mark", constant_argument(node, "name"))
                return Value(DATA if name == "get_closest_marker" else ITERATOR, self.scope, path=path)
            if name in tables.ITERATING_METHODS or name.startswith("iter_"):
                return Value(ITERATOR, self.scope)
            if name in ("getparent", "listchain", "get_result", "get_plugin", "getplugin"):
                return Value(OBJECT)
            return self.result_of(node, name, base, arguments)
        if name in ITEM_LIST_METHODS and self.is_own_list_of_item(func.value):
            return Value(DATA)
        raise Unproven(node.lineno, self.calls(node))

    def result_of(self, node: ast.Call, name: str, base: Value, arguments: list[Value]) -> Value:
        """The result of a method that only reads."""
        value = Value(DATA, is_new=name not in tables.ELEMENT_METHODS)
        if isinstance(base.constant, pathlib.PurePath) and name in ("absolute", "joinpath", "resolve", "with_name", "with_suffix"):
            constants = [each.constant for each in arguments]
            if None not in constants:
                value.constant = getattr(base.constant, name)(*constants)
        return value

    def config_call(self, node: ast.Call, name: str) -> Value:
        self.arguments(node)
        if name == "get_verbosity":
            return Value(DATA, is_new=True)
        values = self.prover.config_values
        wanted = constant_argument(node, "name")
        if wanted is None:
            changed = "an option" if name == "getini" else values.changed_option()
            if changed is not None:
                raise Unproven(node.lineno, "reads an option whose name is not a literal")
            return Value(DATA)
        chain, value = ((CONFIG_ROOT, "getini", wanted), values.ini(wanted)) if name == "getini" else values.option(wanted)
        return Value(DATA) if value is MISSING else Value(KNOWN, None, value, chain)

    def check_file(self, value: Value, node: ast.Call) -> None:
        """What the suite asks about a file must not depend on what tests have written."""
        if not value.is_of_test and not self.prover.is_lasting(value.constant):
            raise Unproven(node.lineno, f"asks for a file that tests may write ({shown(node.func)})")

    def is_own_list_of_item(self, node: ast.expr) -> bool:
        """`item.user_properties.append(…)`: a list that belongs to one item, or to the items of one test function."""
        return (
            isinstance(node, ast.Attribute)
            and node.attr in ("user_properties", "fixturenames")
            and self.evaluate(node.value).kind in (ITEM, METAFUNC)
        )

    def list_call(self, node: ast.Call, name: str) -> Value:
        if name == "copy" and not node.args:
            return Value(COPY, self.scope)
        if name == "remove" and len(node.args) == 1 and self.scope is not None and self.loops_over_copy:
            argument = self.evaluate(node.args[0])
            if argument.kind == ITEM and argument.scope is self.scope:
                return Value(DATA)
        raise Unproven(node.lineno, f"calls {shown(node.func)}")

    def is_kept_by(self, node: ast.Call, func: ast.Attribute, base: Value) -> bool:
        """`kept.append(item)`, in the loop over the items, to a list that was empty before the loop."""
        argument = self.evaluate(node.args[0]) if len(node.args) == 1 and not node.keywords else None
        if argument is None or argument.kind != ITEM or self.scope is None or argument.scope is not self.scope:
            return False
        if not isinstance(func.value, ast.Name) or not isinstance(self.scope, ast.For):
            return False
        return base.kind == KEPT and base.loop is self.scope and base.name == func.value.id

    def hook_call(self, node: ast.Call, name: str) -> Value:
        is_alone = not node.args and len(node.keywords) == 1 and node.keywords[0].arg == "items"
        if name == "pytest_deselected" and is_alone and self.scope is None:
            if self.evaluate(node.keywords[0].value).kind == KEPT:
                return Value(DATA)
        raise Unproven(node.lineno, self.calls(node))

    def made_node(self, node: ast.Call, kind: type) -> Value:
        """`Check.from_parent(parent, name=…)`: its class is judged separately, and its parent must be this node."""
        first = node.args[0] if node.args else next((each.value for each in node.keywords if each.arg == "parent"), None)
        if first is None or self.evaluate(first).kind not in (NODE, OWN_NODE):
            raise Unproven(node.lineno, f"makes a {kind.__name__} below another node")
        self.arguments(node)
        return Value(OBJECT)

    # Functions and classes by name.

    def call_known(self, node: ast.Call, called: Value, receiver: Value | None = None) -> Value:
        """Judges a call of a function or class that a name outside the function refers to."""
        callable_ = called.value
        if isinstance(callable_, pytest.MarkDecorator):
            return self.mark_call(node)
        handler = next((name for builtin, name in BUILTINS if builtin is callable_), None)
        if handler is not None:
            value: Value = getattr(self, handler)(node)
            return value
        if tables.is_one_of((builtins.list, builtins.tuple, builtins.iter), callable_) and len(node.args) == 1 and not node.keywords:
            over = self.evaluate(node.args[0])
            if over.kind in (ITEMS, COPY) and callable_ is not builtins.iter:
                return Value(COPY, self.scope)
        if tables.is_one_of(tables.ITERATORS, callable_):
            self.arguments(
                node,
                0 if tables.is_one_of((builtins.map, builtins.filter), callable_) or (len(node.args) > 1 and callable_ is iter) else None,
            )
            return Value(ITERATOR, self.scope)
        if tables.is_one_of(tables.CONTAINERS, callable_):
            self.arguments(node)
            value = Value(FRESH, self.scope)
            value.is_empty_list = callable_ is builtins.list and not node.args
            return value
        if tables.is_one_of(tables.PURE_BUILTINS, callable_) or tables.is_listed(tables.PURE_FUNCTIONS, callable_):
            return self.pure_call(node, callable_, self.arguments(node))
        if is_parser(callable_):
            self.arguments(node)
            return Value(FRESH, self.scope)
        function = plain_function(callable_)
        if function is not None:
            return self.judge_called(node, callable_)
        raise Unproven(node.lineno, self.calls(node))

    def pure_call(self, node: ast.Call, callable_: Any, arguments: list[Value]) -> Value:
        name = getattr(callable_, "__name__", "")
        is_path = tables.is_listed(tables.PATH_FUNCTIONS, callable_) or callable_ is str
        if name in tables.FILE_FUNCTIONS and tables.is_listed(tables.PATH_FUNCTIONS, callable_):
            for each in arguments:
                self.check_file(each, node)
        value = Value(DATA, is_new=not tables.is_one_of((builtins.max, builtins.min, builtins.sum), callable_))
        constants = [each.constant for each in arguments]
        if is_path and constants and None not in constants and name in tables.PATH_RESULTS and not node.keywords:
            value.constant = callable_(*constants)
        value.is_of_test = is_path and len(arguments) == 1 and arguments[0].is_of_test and name in ("Path", "abspath", "fspath", "str")
        return value

    def mark_call(self, node: ast.Call) -> Value:
        """A mark with arguments. With a single function or class as argument, it would mark that."""
        arguments = self.arguments(node)
        if len(arguments) == 1 and not node.keywords and arguments[0].kind != DATA:
            raise Unproven(node.lineno, self.calls(node))
        return Value(DATA)

    def call_getattr(self, node: ast.Call) -> Value:
        name = node.args[1] if len(node.args) > 1 else None
        base = self.evaluate(node.args[0]) if node.args else None
        for default in node.args[2:]:
            self.use(default)
        if base is not None and base.kind == KNOWN and isinstance(base.value, type(pytest.mark)) and name is not None:
            self.use(name)
            return Value(KNOWN, None, ANY_MARK)
        if base is None or not isinstance(name, ast.Constant) or not isinstance(name.value, str):
            raise Unproven(node.lineno, "reads an attribute whose name is not a literal")
        try:
            return self.attribute_of(base, name.value, node)
        except Unproven:
            if len(node.args) < 3 or base.kind not in (CONFIG, KNOWN) or self.is_there(base, name.value):
                raise
            return Value(DATA)

    def is_there(self, base: Value, name: str) -> bool:
        return hasattr(self.config if base.kind == CONFIG else base.value, name)

    def call_hasattr(self, node: ast.Call) -> Value:
        base = self.evaluate(node.args[0])
        if base.kind in (ITEMS, COPY, KEPT, SESSION):
            raise Unproven(node.lineno, self.calls(node))
        self.use(node.args[1])
        name: Any = node.args[1].value if isinstance(node.args[1], ast.Constant) else None
        if base.kind == OBJECT and base.path != ("own",):
            path = None if base.path is None or name is None else (*base.path, name)
            if name not in OBJECT_NAMES and (path is None or self.prover.own_values.judge(path) is None):
                raise Unproven(node.lineno, "asks for an attribute that files may share")
        return Value(DATA, is_new=True)

    def call_next(self, node: ast.Call) -> Value:
        if not isinstance(node.args[0], (ast.Call, ast.GeneratorExp)):
            raise Unproven(node.lineno, "goes on through an iterator with next()")
        self.arguments(node)
        return Value(OBJECT)

    def call_open(self, node: ast.Call) -> Value:
        self.check_file(self.arguments(node)[0], node)
        mode = node.args[1] if len(node.args) > 1 else next((each.value for each in node.keywords if each.arg == "mode"), None)
        if mode is not None and not (isinstance(mode, ast.Constant) and set(str(mode.value)) <= set("rbt")):
            raise Unproven(node.lineno, "opens a file to write")
        return Value(FILE, self.scope)

    def call_setattr(self, node: ast.Call) -> Value:
        if len(node.args) == 3 and isinstance(node.args[1], ast.Constant) and isinstance(node.args[1].value, str):
            self.check_written(self.evaluate(node.args[0]), node.args[1].value, node, self.use(node.args[2]))
            return Value(DATA)
        raise Unproven(node.lineno, self.calls(node))

    def call_super(self, node: ast.Call) -> Value:
        if self.is_collector and not node.args:
            return Value(OWN_NODE)
        raise Unproven(node.lineno, self.calls(node))


def is_parser(callable_: Any) -> bool:
    return ((getattr(callable_, "__module__", None) or "").partition(".")[0].lstrip("_"), getattr(callable_, "__name__", "")) in PARSERS


BUILTINS = (
    (builtins.getattr, "call_getattr"),
    (builtins.hasattr, "call_hasattr"),
    (builtins.next, "call_next"),
    (builtins.open, "call_open"),
    (builtins.setattr, "call_setattr"),
    (builtins.super, "call_super"),
)
MARKS = (pytest.MarkDecorator, type(pytest.mark))
CALLBACKS = frozenset(["key", "ids"])
# The lists that pytest gives each item. A list assigned in their place may be shared.
ITEM_LISTS = frozenset(["extra_keyword_matches", "fixturenames", "keywords", "own_markers", "user_properties"])
ITEM_LIST_METHODS = frozenset(["append", "insert", "extend"])
METHODS = {
    DATA: tables.PURE_METHODS,
    FRESH: tables.PURE_METHODS,
    ITEM: tables.ITEM_METHODS,
    NODE: tables.NODE_METHODS,
    OWN_NODE: frozenset([*tables.NODE_METHODS, "collect"]),
    METAFUNC: frozenset(["parametrize"]),
    CONFIG: tables.CONFIG_METHODS,
    PLUGINMANAGER: tables.PLUGINMANAGER_METHODS,
    FILE: FILE_METHODS,
    OUTCOME: frozenset(["get_result"]),
}
