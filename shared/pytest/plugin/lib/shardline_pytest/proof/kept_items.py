"""Whether two lists that a loop fills share all items between them, so that an empty one means that the other holds every item."""

import ast


def are_complements(left, right):
    """Both are values of kind `kept`."""
    if left is right:
        return False
    if left.loop is not None and left.loop is right.loop:
        names = (left.name, right.name)
        return all(appended for appended, _ in paths(left.loop.body, names))
    if left.condition is not None and right.condition is not None:
        return negates(left.condition, right.condition) or negates(right.condition, left.condition)
    return False


def negates(condition, other):
    return isinstance(condition, ast.UnaryOp) and isinstance(condition.op, ast.Not) and ast.dump(condition.operand) == ast.dump(other)


def paths(statements, names):
    """(did it append to one of the lists, did it leave the iteration) for each way through the statements."""
    found = {(False, False)}
    for statement in statements:
        after = {each for each in found if each[1]}
        for appended, has_left in found:
            if has_left:
                continue
            if is_append(statement, names):
                after.add((True, False))
            elif isinstance(statement, ast.Continue):
                after.add((appended, True))
            elif isinstance(statement, ast.If):
                for branch in (statement.body, statement.orelse):
                    after.update((appended or more, left) for more, left in paths(branch, names))
            else:
                after.add((appended, False))
        found = after
    return found


def is_append(statement, names):
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.func.attr != "append":
        return False
    return isinstance(call.func.value, ast.Name) and call.func.value.id in names
