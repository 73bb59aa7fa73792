"""The syntax tree of a template -> the same, held to loops, choices and printing, and counted."""

from __future__ import annotations

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
_WITH_FILE = (nodes.Include, nodes.Import, nodes.FromImport)
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


def _odd(node: nodes.Node) -> str | None:
    """Return what is wrong with one node by itself."""
    if not isinstance(node, _ALLOWED):
        kind = type(node).__name__
        return f'a template only loops, chooses and prints; it has no "{_WRITTEN.get(kind, kind)}"'
    if isinstance(node, nodes.Operand) and node.op in ("in", "notin"):
        return "a template cannot search, only compare"
    if isinstance(node, nodes.For) and node.recursive:
        return "a loop cannot call itself"
    if isinstance(node, nodes.Name) and node.name in _IMPLICIT:
        return f'"{node.name}" is not there'
    if isinstance(node, _WITH_FILE) and not _names_a_file(node):
        return "a template takes in another by its name in quotation marks, which is there"
    return None


def _names_a_file(node: nodes.Include | nodes.Import | nodes.FromImport) -> bool:
    named = node.template
    is_text = isinstance(named, nodes.Const) and isinstance(named.value, str)
    return is_text and not getattr(node, "ignore_missing", False)


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
