"""The syntax tree of a template -> the same, held to loops, choices and printing, and counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, nodes

# Python compiles no more than 20 loops inside of each other.
MAX_DEPTH = 60
MAX_NESTING = 12

_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Const,
    nodes.Name,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Test,
    nodes.Compare,
    nodes.Operand,
    nodes.Not,
    nodes.And,
    nodes.Or,
    nodes.CondExpr,
    nodes.For,
    nodes.If,
    nodes.Macro,
    nodes.Call,
    nodes.Keyword,
    nodes.Tuple,
    nodes.Include,
    nodes.Import,
    nodes.FromImport,
)
_NESTING = (nodes.For, nodes.If, nodes.Macro)
# What jinja2 puts into every macro or template; a template asks for what it is given.
_IMPLICIT = ("self", "caller", "varargs", "kwargs")

# Filters that no template can name, for names have no spaces.
EACH = "each item"
AS_IT_IS = "as it is"

# What people write for the nodes that they are most likely to miss.
_WRITTEN = {
    "Assign": "set",
    "AssignBlock": "set",
    "NSRef": "set",
    "With": "with",
    "FilterBlock": "filter",
    "CallBlock": "call",
    "Block": "block",
    "Extends": "extends",
    "Concat": "~",
    "Add": "+",
    "Sub": "-",
    "Mul": "*",
    "Div": "/",
    "FloorDiv": "//",
    "Mod": "%",
    "Pow": "**",
    "Slice": "[:]",
    "List": "[]",
    "Dict": "{}",
}


def _is_search(node: nodes.Operand) -> bool:
    return node.op in ("in", "notin")


def _is_half(node: nodes.Const) -> bool:
    """Tell whether a constant has half of a surrogate pair, which no file can hold."""
    text = node.value if isinstance(node.value, str) else ""
    return any("\ud800" <= char <= "\udfff" for char in text)


def _is_doubled(names: list[str]) -> bool:
    return len(set(names)) < len(names)


def _is_unnamed(node: nodes.Include | nodes.Import | nodes.FromImport) -> bool:
    named = node.template
    is_text = isinstance(named, nodes.Const) and isinstance(named.value, str)
    return not is_text or bool(getattr(node, "ignore_missing", False))


# What is wrong with a node of an allowed kind by itself.
_TWICE = "two arguments have one name"
_TAKEN_IN = "a template takes in another by its name in quotation marks, which is there"
_ODD: dict[type[nodes.Node], tuple[Callable[[Any], bool], str]] = {
    nodes.Operand: (_is_search, "a template cannot search, only compare"),
    nodes.Const: (_is_half, "this text has half of a character"),
    # jinja2 leaves it to Python to refuse these two, which knows no line of a template.
    nodes.Macro: (lambda node: _is_doubled([each.name for each in node.args]), _TWICE),
    nodes.Call: (lambda node: _is_doubled([each.key for each in node.kwargs]), _TWICE),
    nodes.For: (lambda node: bool(node.recursive), "a loop cannot call itself"),
    nodes.Name: (lambda node: node.name in _IMPLICIT, "jinja2 has this name for itself"),
    nodes.Include: (_is_unnamed, _TAKEN_IN),
    nodes.Import: (_is_unnamed, _TAKEN_IN),
    nodes.FromImport: (_is_unnamed, _TAKEN_IN),
}


def _odd(node: nodes.Node) -> str | None:
    """Return what is wrong with one node by itself."""
    if not isinstance(node, _ALLOWED):
        kind = type(node).__name__
        return f'a template only loops, chooses and prints; it has no "{_WRITTEN.get(kind, kind)}"'
    is_odd, complaint = _ODD.get(type(node), (None, ""))
    return complaint if is_odd is not None and is_odd(node) else None


def check(tree: nodes.Template) -> None:
    """Refuse whatever a template must not say, with `TemplateSyntaxError` and its line."""
    _check(tree, line=1, depth=0, nesting=0)


def _check(node: nodes.Node, *, line: int, depth: int, nesting: int) -> None:
    line = node.lineno or line
    nesting += isinstance(node, _NESTING)
    fault = _odd(node)
    if depth > MAX_DEPTH or nesting > MAX_NESTING:
        fault = "this is nested too deeply"
    if fault is not None:
        raise TemplateSyntaxError(fault, line)
    for child in node.iter_child_nodes():
        _check(child, line=line, depth=depth + 1, nesting=nesting)


def _filtered(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def count(tree: nodes.Template, environment: Environment) -> None:
    """Have every loop, and all text between the tags, go through a filter that counts it."""
    for loop in list(tree.find_all(nodes.For)):
        loop.iter = _filtered(loop.iter, EACH)
    for output in list(tree.find_all(nodes.Output)):
        output.nodes = [
            (
                _filtered(nodes.Const(node.data, lineno=node.lineno), AS_IT_IS)
                if isinstance(node, nodes.TemplateData)
                else node
            )
            for node in output.nodes
        ]
    tree.set_environment(environment)
