"""The rules for statements. A function passes if it treats each item separately: a part of the list gives a part of the result.

Judges only lines that ran. If a line holds several statements, all of them count.
"""

from __future__ import annotations

import ast
import inspect
import sys
from typing import TYPE_CHECKING

from .call_rules import ITEM_LISTS
from .call_tables import PURE_CONTEXTS, is_listed
from .kept_items import are_complements
from .kinds import CONFIG, COPY, DATA, FILE, FRESH, ITEM, ITEMS, ITERATOR, KEPT, KNOWN, OBJECT, OWN_NODE, PARAMETERS, SESSION, Value
from .known_values import MISSING
from .rules import shown
from .subject import plain_function
from .unproven import Unproven
from .value_rules import WHY_NOT_USED, Expressions, is_whole_slice

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .hook_proof import HookProof
    from .subject import Subject

MAX_DEPTH = 6
# Before Python 3.10, the compiler leaves out lines that only jump.
JUMPS_ARE_TRACED = sys.version_info >= (3, 10)
GENERATORS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
# Attributes of an item: texts, and lists that belong to it alone.
TEXTS = frozenset(["_nodeid", "name", "nodeid", "originalname"])
OWN_LISTS = frozenset(["fixturenames", "user_properties"])
NOT_WRITTEN = frozenset(["config", "ihook", "parent", "session", "stash", "_store"])


class Judgement(Expressions):
    """Judges one function, called with values of these kinds. `ran` holds the lines that ran; None means all lines."""

    def __init__(
        self,
        prover: HookProof,
        subject: Subject,
        ran: set[int] | None,
        env: dict[str, Value],
        depth: int = 0,
        own_class: type | None = None,
    ) -> None:
        self.prover = prover
        self.config = prover.config
        self.subject = subject
        self.ran = ran
        self.env = env
        self.depth = depth
        self.own_class = own_class
        self.is_collector = own_class is not None
        self.scope = None
        self.loops_over_copy = False
        self.guards: list[Value] = []
        self.data_loops = 0
        self.returned: set[str] = set()
        self.seen: set[int] = set()
        self.globals = names_declared(subject.tree)

    def judge(self) -> str:
        """The kind of the return value. Raises Unproven."""
        try:
            if self.subject.tree is None:
                raise Unproven(self.subject.line, "its source cannot be found")
            self.prover.judged.add(self.subject.code)
            self.block(self.subject.tree.body)
            self.check_all_judged()
        except Unproven as unproven:
            if unproven.path is None:
                unproven.path = self.subject.path
            raise
        return self.either(self.returned or {DATA}).kind if self.returned != {FRESH} else FRESH

    def check_all_judged(self) -> None:
        """Rejects a function with a line that ran but that no rule reached, as the rules do not foresee how."""
        if self.ran is None or self.subject.tree is None:
            return
        first = self.subject.tree.body[0].lineno
        missed = [line for line in sorted(self.ran) if line not in self.seen and line >= first]
        if missed:
            raise Unproven(missed[0], "has a line that ran and could not be judged")

    def see(self, node: ast.stmt | ast.ExceptHandler) -> None:
        """Marks the lines of a statement as judged, except those of nested statements."""
        inner = [
            each.lineno
            for name in ("body", "handlers", "orelse", "finalbody")
            for each in getattr(node, name, None) or ()
            if hasattr(each, "lineno")
        ]
        is_nested = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        end = (node.end_lineno or node.lineno) if is_nested or not inner else max(node.lineno, min(inner) - 1)
        start = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
        self.seen.update(range(start, end + 1))

    def did_run(self, node: ast.stmt | ast.ExceptHandler) -> bool:
        if self.ran is None or (not JUMPS_ARE_TRACED and isinstance(node, (ast.Break, ast.Continue))):
            return True
        if self.subject.tree is not None and node.lineno == self.subject.tree.lineno:
            return True  # on the line of `def` itself
        return any(line in self.ran for line in range(node.lineno, (node.end_lineno or node.lineno) + 1))

    def block(self, statements: Iterable[ast.stmt]) -> bool:
        """True if the statements that ran end in a jump."""
        for statement in statements:
            if not self.did_run(statement):
                continue
            self.see(statement)
            method = getattr(self, f"judge_{type(statement).__name__}", None)
            if method is None:
                raise Unproven(statement.lineno, f"has a form that cannot be judged ({type(statement).__name__})")
            if method(statement):
                return True
        return False

    # Simple statements.

    def judge_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            value = self.evaluate(node.value)
            if value.kind in (ITEMS, KEPT):
                self.used(value, node.value)

    def judge_Pass(self, node: ast.Pass) -> bool | None:
        return None

    judge_Import = judge_ImportFrom = judge_Pass

    def judge_Assign(self, node: ast.Assign) -> bool | None:
        if len(node.targets) == 1 and self.is_commit(node.targets[0]):
            self.commit(node)
            return None
        first = node.targets[0]
        if (
            len(node.targets) == 1
            and isinstance(first, ast.Tuple)
            and isinstance(node.value, ast.Tuple)
            and len(first.elts) == len(node.value.elts)
        ):
            for target, value in zip(first.elts, [self.assignable(each) for each in node.value.elts]):
                self.assign(target, value)
            return None
        value = self.assignable(node.value)
        for target in node.targets:
            self.assign(target, value)
        return None

    def judge_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.assign(node.target, self.assignable(node.value))

    def judge_AugAssign(self, node: ast.AugAssign) -> None:
        added = self.use(node.value)
        target = node.target
        if isinstance(target, ast.Name):
            value = self.use_name_again(target)
            # In place, this would change a list that something else may hold.
            if value.kind != FRESH and not value.is_new:
                raise Unproven(target.lineno, f"changes `{target.id}` in place, which may be shared")
            self.bind(target, value)
        elif is_number(node.value) or (
            isinstance(target, ast.Attribute) and (target.attr in TEXTS or (target.attr in OWN_LISTS and added.kind == FRESH))
        ):
            self.check_target(target, Value(FRESH, self.scope))
        else:
            raise Unproven(target.lineno, f"changes {shown(target)} in place, which may be shared")

    def use_name_again(self, target: ast.Name) -> Value:
        if target.id in self.globals:
            raise Unproven(target.lineno, f"changes the global `{target.id}`")
        value = self.used(self.value_of_Name(ast.copy_location(ast.Name(target.id, ast.Load()), target)), target)
        if value.kind == FRESH and value.scope is not self.scope:
            raise Unproven(target.lineno, f"changes `{target.id}` in the loop over the items")
        return value

    def assignable(self, node: ast.expr) -> Value:
        value = self.evaluate(node)
        if value.kind in (KEPT, COPY, ITEMS, CONFIG, KNOWN, SESSION):
            return value
        value = self.used(value, node)
        if value.kind == ITERATOR and self.scope is None:
            return Value(ITERATOR, self)  # a scope that no loop has
        return value

    def assign(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, (ast.Name, ast.Tuple, ast.List, ast.Starred)):
            self.bind(target, value)
        elif value.kind in WHY_NOT_USED:
            raise Unproven(target.lineno, "keeps %s" % ("the session" if value.kind == SESSION else "the list of items"))
        else:
            self.check_target(target, self.used(value, target))

    def bind(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            value = self.used(value, target)
            for each in target.elts:
                self.assign(each, Value(DATA if value.kind in (DATA, FRESH) else OBJECT))
        elif isinstance(target, ast.Starred):
            self.bind(target.value, Value(OBJECT))
        elif not isinstance(target, ast.Name):
            raise Unproven(target.lineno, f"writes {shown(target)}")
        elif target.id in self.globals or target.id not in self.subject.locals:
            raise Unproven(target.lineno, f"writes the global `{target.id}`")
        else:
            self.env[target.id] = value

    def check_target(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, ast.Attribute):
            self.check_written(self.evaluate(target.value), target.attr, target, value)
        elif isinstance(target, ast.Subscript):
            self.use(target.slice)
            base = self.evaluate(target.value)
            is_keyword_of_item = (
                isinstance(target.value, ast.Attribute)
                and target.value.attr == "keywords"
                and self.evaluate(target.value.value).kind == ITEM
            )
            if not is_keyword_of_item and not (base.kind == FRESH and base.scope is self.scope):
                raise Unproven(target.lineno, WHY_NOT_WRITTEN.get(base.kind, f"writes {shown(target)}"))
        else:
            raise Unproven(target.lineno, f"writes {shown(target)}")

    def check_written(self, base: Value, name: str, node: ast.expr, value: Value) -> None:
        """Judges an assignment to an attribute."""
        if name in ITEM_LISTS and not (value.kind == FRESH and value.scope is self.scope):
            raise Unproven(node.lineno, f"puts a value that may be shared into {shown(node)}")
        is_own = base.kind == OWN_NODE or (base.kind == ITEM and not self.is_definition(node))
        if not is_own or name in NOT_WRITTEN:
            raise Unproven(node.lineno, f"writes {shown(node)}")

    def is_definition(self, node: ast.AST) -> bool:
        return isinstance(getattr(node, "value", None), ast.Attribute)

    def judge_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if not isinstance(target, ast.Name):
                raise Unproven(node.lineno, f"deletes {shown(target)}")
            self.env.pop(target.id, None)

    def judge_Return(self, node: ast.Return) -> bool | None:
        if self.scope is not None:
            raise Unproven(node.lineno, "returns from the loop over the items")
        if node.value is not None:
            self.returned.add(self.use(node.value).kind)
        return True

    def judge_Raise(self, node: ast.Raise) -> bool | None:
        if not self.is_collector:
            raise Unproven(node.lineno, "raises an error")
        return True

    def judge_Assert(self, node: ast.Assert) -> None:
        raise Unproven(node.lineno, "asserts")

    judge_Global = judge_Nonlocal = judge_Pass

    def judge_FunctionDef(self, node: ast.FunctionDef) -> None:
        if node.decorator_list:
            raise Unproven(node.lineno, "decorates a nested function")
        self.check_nested(node)
        self.check_defaults(node.args)
        self.env[node.name] = Value(OBJECT)

    def check_defaults(self, arguments: ast.arguments) -> None:
        for each in [*arguments.defaults, *(each for each in arguments.kw_defaults if each is not None)]:
            self.use(each)

    def check_nested(self, node: ast.FunctionDef | ast.Lambda) -> None:
        """A nested function may run later, or for other items, so it may name only what does not change."""
        if names_declared(node):
            raise Unproven(node.lineno, "has a nested function that writes outside of itself")
        own = {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
        varying = names_assigned(self.scope) if self.scope is not None else frozenset()
        for each in ast.walk(node):
            if not isinstance(each, ast.Name) or not isinstance(each.ctx, ast.Load) or each.id in own or each.id not in self.subject.locals:
                continue
            value = self.env.get(each.id)
            if value is None or value.kind not in (DATA, KNOWN, CONFIG) or each.id in varying:
                raise Unproven(each.lineno, f"has a nested function that names `{each.id}`")

    # Filters of the list.

    def is_commit(self, target: ast.expr) -> bool:
        """Is the target `items[:]`?"""
        return isinstance(target, ast.Subscript) and is_whole_slice(target.slice) and self.evaluate(target.value).kind == ITEMS

    def commit(self, node: ast.Assign) -> None:
        """Judges `items[:] = kept`."""
        kept = self.evaluate(node.value)
        if kept.kind != KEPT or self.scope is not None:
            raise Unproven(node.lineno, f"replaces the list of items by {shown(node.value)}")
        for guard in self.guards:
            if not are_complements(guard, kept):
                raise Unproven(node.lineno, f"filters the items only if `{guard.name}` holds some")

    # Compound statements.

    def judge_If(self, node: ast.If) -> bool | None:
        guard = self.guard_of(node)
        if guard is None and not self.is_early_end(node):
            self.use(node.test)
        if guard is not None:
            is_inverted = isinstance(node.test, ast.UnaryOp)
            if is_inverted and (
                len(node.body) != 1 or not isinstance(node.body[0], ast.Return) or node.body[0].value is not None or node.orelse
            ):
                raise Unproven(node.lineno, f"asks whether `{guard.name}` holds any item")
            self.guards.append(guard)
            if is_inverted:
                self.see(node.body[0])
                return False
            if node.orelse or not all(self.is_filtering(each) for each in node.body):
                raise Unproven(node.lineno, f"asks whether `{guard.name}` holds any item")
            self.block(node.body)
            self.guards.pop()
            return False
        before = dict(self.env)
        ended = self.block(node.body)
        after = None if ended or not self.any_ran(node.body) else self.env
        has_run = self.any_ran(node.body)
        self.env = dict(before)
        other_ended = self.block(node.orelse)
        other = None if other_ended or (node.orelse and not self.any_ran(node.orelse)) else self.env
        if after is None and other is None:
            self.env = before
            return (ended or not has_run) and (other_ended or not self.any_ran(node.orelse)) and (ended or other_ended)
        self.env = self.joined(after, other, node)
        return False

    def joined(self, left: dict[str, Value] | None, right: dict[str, Value] | None, node: ast.stmt) -> dict[str, Value]:
        """Joins two branches. Judges known values that differ now, as either may be meant later."""
        if left is not None and right is not None:
            for env, others in ((left, right), (right, left)):
                for name, value in list(env.items()):
                    other = others.get(name)
                    if (
                        value.kind == KNOWN
                        and other is not value
                        and (other is None or other.kind != KNOWN or other.value is not value.value)
                    ):
                        env[name] = self.known_as_data(value, ast.copy_location(ast.Name(name, ast.Load()), node))
        return joined(left, right, self.scope is not None)

    def any_ran(self, statements: Iterable[ast.stmt]) -> bool:
        return any(self.did_run(statement) for statement in statements)

    def guard_of(self, node: ast.If) -> Value | None:
        """The kept list in a condition that asks whether it is empty; None for another condition."""
        test = node.test.operand if isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not) else node.test
        if not isinstance(test, ast.Name):
            return None
        value = self.env.get(test.id)
        if value is not None and value.kind == FRESH and value.is_empty_list and value.scope is None and self.scope is None:
            return named(value, test.id)  # no item was kept
        return named(value, test.id) if value is not None and value.kind == KEPT else None

    def is_early_end(self, node: ast.If) -> bool:
        """`if not items: return`: there is nothing to do for an empty list, and so for a file without items."""
        test = node.test
        if not isinstance(test, ast.UnaryOp) or not isinstance(test.op, ast.Not) or not isinstance(test.operand, ast.Name):
            return False
        value = self.env.get(test.operand.id)
        return (
            value is not None and value.kind == ITEMS and len(node.body) == 1 and isinstance(node.body[0], ast.Return) and not node.orelse
        )

    def is_filtering(self, node: ast.stmt) -> bool:
        """Is it `items[:] = …` or `pytest_deselected(…)`?"""
        if isinstance(node, ast.Assign):
            return len(node.targets) == 1 and self.is_commit(node.targets[0])
        call = node.value if isinstance(node, ast.Expr) else None
        return isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "pytest_deselected"

    def judge_For(self, node: ast.For) -> bool | None:
        over = self.evaluate(node.iter)
        if over.kind in (ITEMS, COPY):
            return self.loop_over_items(node, over)
        over = self.used(over, node.iter)
        before = dict(self.env)
        self.data_loops += 1
        self.assign(node.target, self.element_of(over))
        self.block(node.body)
        self.data_loops -= 1
        self.env = self.joined(before, self.env, node)
        self.block(node.orelse)
        return False

    def loop_over_items(self, node: ast.For, over: Value) -> bool:
        """Judges the body with the target as one item."""
        if self.scope is not None:
            raise Unproven(node.lineno, "loops over the items in a loop over the items")
        if self.guards:
            raise Unproven(node.lineno, f"loops over the items only if `{self.guards[-1].name}` holds some")
        if not isinstance(node.target, ast.Name):
            raise Unproven(node.lineno, "takes more than the item from the loop over the items")
        if node.orelse and self.any_ran(node.orelse):
            raise Unproven(node.lineno, "has a loop over the items with an else")
        assigned = names_assigned(node)
        for name in assigned:
            self.env.pop(name, None)
        if self.data_loops == 0:  # otherwise it would append each item more than once
            self.mark_kept(node, node.target.id)
        self.scope, self.loops_over_copy = node, over.kind == COPY
        self.env[node.target.id] = Value(ITEM, node)
        self.block(node.body)
        self.scope, self.loops_over_copy = None, False
        for name in assigned:
            self.env.pop(name, None)
        return False

    def mark_kept(self, loop: ast.For, item: str) -> None:
        """Marks the empty lists to which the loop appends its item, whether or not it does so for any item."""
        for node in ast.walk(loop):
            name = list_appended_to(node, item)
            value = None if name is None else self.env.get(name)
            if value is not None and value.kind == FRESH and value.is_empty_list and value.scope is None:
                value.kind, value.loop, value.name = KEPT, loop, name

    def judge_Break(self, node: ast.Break) -> bool | None:
        if isinstance(self.scope, ast.For) and node in own_jumps(self.scope):
            raise Unproven(node.lineno, "leaves the loop over the items with break")
        return True

    def judge_Continue(self, node: ast.Continue) -> bool | None:
        return True

    def judge_Try(self, node: ast.Try) -> bool | None:
        holds_loop = self.scope is None and any(isinstance(each, (ast.For, ast.While)) for part in node.body for each in ast.walk(part))
        before = dict(self.env)
        ended = self.block(node.body)
        after = self.env
        for handler in node.handlers:
            if not self.did_run(handler):
                continue
            self.see(handler)
            if holds_loop:
                raise Unproven(handler.lineno, "leaves a loop by an error that it catches")
            self.env = dict(before)
            if handler.type is not None:
                self.use(handler.type)
            if handler.name:
                self.env[handler.name] = Value(OBJECT)
            if not self.block(handler.body):
                after = self.env if ended else self.joined(after, self.env, node)
                ended = False
        self.env = after
        ended = self.block(node.orelse) or ended
        return self.block(node.finalbody) or ended

    def judge_With(self, node: ast.With) -> bool | None:
        if self.scope is None and any(isinstance(each, (ast.For, ast.While)) for part in node.body for each in ast.walk(part)):
            if not all(self.is_open(item.context_expr) for item in node.items):
                raise Unproven(node.lineno, "loops inside a with statement")
        before = dict(self.env)
        can_go_on = False
        for item in node.items:
            value = self.context(item.context_expr)
            can_go_on = can_go_on or value.kind != FILE
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value)
        ended = self.block(node.body)
        if not can_go_on:
            return ended
        # After a suppressed error, execution continues behind the statement, from anywhere in it.
        self.env = self.joined(before, self.env, node)
        return False

    def is_open(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Call) and (getattr(node.func, "id", "") == "open" or getattr(node.func, "attr", "") == "open")

    def context(self, node: ast.expr) -> Value:
        """The value of `with …`."""
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and node.func.attr == "open" and not node.args:
                self.check_file(self.used(self.evaluate(node.func.value), node), node)
                return Value(FILE, self.scope)
            called = self.evaluate(node.func)
            if called.kind == KNOWN and is_listed(PURE_CONTEXTS, called.value):
                self.arguments(node)
                return Value(OBJECT)
        value = self.evaluate(node)
        if value.kind != FILE:
            raise Unproven(node.lineno, f"enters {shown(node)}")
        return value

    # Functions of the suite that the code calls.

    def judge_called(self, node: ast.Call, callable_: Any) -> Value:
        """Judges a function of the suite that the code calls, with the values that it passes."""
        function = plain_function(callable_)
        subject = self.prover.subject_of(callable_)
        if function is None or subject is None or self.depth >= MAX_DEPTH or function.__code__.co_flags & GENERATORS:
            raise Unproven(node.lineno, self.calls(node))
        if any(isinstance(each, ast.Starred) for each in node.args) or any(each.arg is None for each in node.keywords):
            raise Unproven(node.lineno, self.calls(node))
        names = list(subject.parameters())
        if getattr(callable_, "__self__", None) is not None and names:
            names.pop(0)
        env = {}
        for name, argument in [*zip(names, node.args), *((each.arg, each.value) for each in node.keywords if each.arg is not None)]:
            env[name] = self.passed(argument)
        kind = Judgement(self.prover, subject, self.prover.lines_of(function.__code__), env, self.depth + 1).judge()
        return Value(DATA) if kind == FRESH else self.either({kind})

    def judge_callback(self, node: ast.expr, callable_: Any) -> None:
        """Judges a function that other code calls with data."""
        subject = self.prover.subject_of(callable_)
        if subject is None or self.depth >= MAX_DEPTH:
            raise Unproven(node.lineno, f"passes {shown(node)} on")
        env = {name: Value(DATA) for name in subject.parameters() if subject.default(name) is MISSING}
        Judgement(self.prover, subject, self.prover.lines_of(subject.code), env, self.depth + 1).judge()

    def passed(self, node: ast.expr) -> Value:
        """The value of an argument for a function of the suite."""
        value = self.evaluate(node)
        if value.kind in (ITEMS, SESSION, CONFIG) and self.scope is None:
            return value
        if value.kind == CONFIG:
            return value
        value = self.used(value, node)
        if value.kind in (FRESH, ITERATOR, FILE):
            return Value(DATA if value.kind == FRESH else OBJECT)
        if value.kind == ITEM:
            return Value(ITEM)
        return value


WHY_NOT_WRITTEN = {kind: why for kind, why in WHY_NOT_USED.items() if kind != SESSION}


def named(value: Value, name: str) -> Value:
    value.name = value.name or name
    return value


def joined(left: dict[str, Value] | None, right: dict[str, Value] | None, in_loop: bool) -> dict[str, Value]:
    """What is known after either of two branches. None stands for a branch that does not continue here.

    In the loop over the items, a name that only one branch sets may hold the value of an earlier item.
    """
    if left is None or right is None:
        return dict(left or right or {})
    found = {} if in_loop else {**left, **right}
    for name in left.keys() & right.keys():
        one, other = left[name], right[name]
        if one is other or one.kind == other.kind:
            found[name] = one if one is other else alike(one, other)
        else:
            found[name] = Value(ITERATOR if ITERATOR in (one.kind, other.kind) else OBJECT, object())
    return found


def alike(one: Value, other: Value) -> Value:
    """Joins two values of one kind."""
    value = Value(one.kind, one.scope if one.scope is other.scope else object(), one.value, one.chain)
    value.path = one.path if one.path == other.path else None
    value.is_new = one.is_new and other.is_new
    value.is_of_test = one.is_of_test and other.is_of_test
    value.condition, value.loop, value.name = one.condition, one.loop, one.name
    return value


def is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float))


def names_assigned(loop: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(loop) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}


def names_declared(tree: ast.AST | None) -> set[str]:
    """Names in `global` and `nonlocal` statements, which are not lines that run."""
    found = set()
    for each in ast.walk(tree) if tree is not None else ():
        if isinstance(each, (ast.Global, ast.Nonlocal)):
            found.update(each.names)
    return found


def list_appended_to(node: ast.AST, item: str) -> str | None:
    """`x` of `x.append(item)`; None for anything else."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "append" or len(node.args) != 1:
        return None
    holder, argument = node.func.value, node.args[0]
    return holder.id if isinstance(holder, ast.Name) and isinstance(argument, ast.Name) and argument.id == item else None


def own_jumps(loop: ast.For | ast.While) -> set[ast.Break]:
    """The `break` statements of this loop, without those of inner loops."""
    found = set()

    def visit(statements: Iterable[ast.stmt]) -> None:
        for each in statements:
            if isinstance(each, ast.Break):
                found.add(each)
            elif isinstance(each, (ast.For, ast.While)):
                visit(each.orelse)
            else:
                for part in ("body", "orelse", "finalbody"):
                    visit(getattr(each, part, []))
                for handler in getattr(each, "handlers", []):
                    visit(handler.body)

    visit(loop.body)
    return found


def environment_of(subject: Subject, is_collector: bool = False) -> dict[str, Value]:
    """The kinds of the parameters of a hook implementation, or of a collector's method."""
    env = {}
    names = subject.parameters()
    for index, name in enumerate(names):
        is_self = index == 0 and (subject.owner is not None or is_collector)
        if is_collector and is_self:
            env[name] = Value(OWN_NODE)
        elif not is_self and subject.default(name) is MISSING:
            env[name] = Value(PARAMETERS.get(name, DATA))
    return env
