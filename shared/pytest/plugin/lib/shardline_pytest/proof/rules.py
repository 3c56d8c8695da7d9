"""What the rules for calls, expressions and statements share while they judge one function."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

    from .hook_proof import HookProof
    from .kinds import Chain, Value
    from .subject import Subject


class Rules:
    """The state of one judgement, and the rules that call each other across files: Calls, Expressions and Judgement derive from it."""

    prover: HookProof
    config: pytest.Config
    subject: Subject
    # Kinds of the function's variables.
    env: dict[str, Value]
    # The loop over the items that the rules are in.
    scope: ast.For | ast.ListComp | None
    loops_over_copy: bool
    is_collector: bool
    # The class whose method is judged.
    own_class: type | None

    def evaluate(self, node: ast.expr) -> Value:
        raise NotImplementedError

    def use(self, node: ast.expr) -> Value:
        raise NotImplementedError

    def used(self, value: Value, node: ast.expr) -> Value:
        raise NotImplementedError

    def attribute_of(self, base: Value, name: str, node: ast.expr) -> Value:
        raise NotImplementedError

    def parameter(self, node: ast.expr, name: str | None) -> Value:
        raise NotImplementedError

    def check_code(self, value: object, chain: Chain | None, node: ast.expr) -> None:
        raise NotImplementedError

    def bind(self, target: ast.expr, value: Value) -> None:
        raise NotImplementedError

    def check_written(self, base: Value, name: str, node: ast.expr, value: Value) -> None:
        raise NotImplementedError

    def check_nested(self, node: ast.FunctionDef | ast.Lambda) -> None:
        raise NotImplementedError

    def check_defaults(self, arguments: ast.arguments) -> None:
        raise NotImplementedError

    def judge_called(self, node: ast.Call, callable_: Any) -> Value:
        raise NotImplementedError

    def judge_callback(self, node: ast.expr, callable_: Any) -> None:
        raise NotImplementedError


def shown(node: ast.AST) -> str:
    """`item.session.items`, as in the source, shortened."""
    text = " ".join(ast.unparse(node).split())
    return f"`{text if len(text) <= 40 else text[:37] + '…'}`"
