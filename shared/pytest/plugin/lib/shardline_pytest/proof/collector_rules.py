"""Classes of collectors and items that are not pytest's: each may make nodes of its own file only. All their lines are judged, as if all ran."""

import pytest

from .kinds import Value, OWN_NODE
from .line_rules import Judgement, environment_of
from .modules import is_own, place
from .reviewed_plugins import review_of
from .subject import plain_function
from .unproven import Unproven

DIRECTORY_CLASSES = tuple(getattr(pytest, name) for name in ("Directory", "Package") if hasattr(pytest, name))
# What pytest calls while it collects.
METHODS = ("__init__", "from_parent", "collect", "_genfunctions", "_getobj", "_importtestmodule")


def custom_classes(items):
    """The classes of these items and their collectors that are not pytest's, each once."""
    found, seen = {}, set()
    for item in list.__iter__(items):
        node = item
        while node is not None and id(node) not in seen:
            if node is not item:
                seen.add(id(node))
            if not is_own(type(node).__module__) and type(node) not in found:
                found[type(node)] = None
            node = node.parent
    return list(found)


def judge_class(proof, kind):
    """The problem of a class as {"hook", "place", "why"}, or None. "hook" is the name of its method."""
    if issubclass(kind, DIRECTORY_CLASSES):
        code = plain_function(getattr(kind, "collect")).__code__
        return {"hook": kind.__name__, "place": place(code.co_filename, code.co_firstlineno, proof.root), "why": "collects a directory"}
    for base in kind.__mro__:
        if is_own(base.__module__) or not issubclass(base, (pytest.Item, pytest.Collector)):
            continue
        for name in METHODS:
            function = plain_function(vars(base).get(name))
            if function is None or review_of(function, proof.config) is not None:
                continue
            subject = proof.subject_of(function)
            env = environment_of(subject, is_collector=True)
            if name == "from_parent":
                env[subject.parameters()[0]] = Value(OWN_NODE)
            try:
                Judgement(proof, subject, None, env, is_collector=True).judge()
            except Unproven as unproven:
                return {"hook": "%s.%s" % (base.__name__, name), "place": place(unproven.path, unproven.line, proof.root), "why": unproven.why}
            except Exception as error:  # a form that the rules do not foresee
                where = place(subject.path, subject.line, proof.root)
                return {"hook": "%s.%s" % (base.__name__, name), "place": where, "why": "cannot be judged (%s)" % type(error).__name__}
    return None
