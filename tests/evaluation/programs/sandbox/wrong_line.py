"""Right functions with one line made wrong: a comparison turned round, another operator, a number one more."""

import ast

TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OTHER: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
}


def with_a_wrong_line(source: str, name: str) -> str:
    """The source with the last such place of a function changed; where it has none, it returns a list of its result."""
    tree = ast.parse(source)
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    nodes = [node for statement in function.body for node in ast.walk(statement)]
    expressions = [node for node in nodes if isinstance(node, ast.expr)]
    places = sorted(filter(_can_change, expressions), key=lambda node: (node.lineno, node.col_offset))
    if places:
        _change(places[-1])
    else:
        returned = next(node for node in reversed(nodes) if isinstance(node, ast.Return))
        assert returned.value
        returned.value = ast.List([returned.value], ast.Load())
    return ast.unparse(ast.fix_missing_locations(tree))


def _can_change(node: ast.expr) -> bool:
    match node:
        case ast.Compare(ops=[comparison]):
            return type(comparison) in TURNED
        case ast.BinOp(op=operation):
            return type(operation) in OTHER and not (_is_text(node.left) or _is_text(node.right))
        case ast.Constant(value=bool() | int()):
            return True
    return False


def _is_text(node: ast.expr) -> bool:
    """Or a list: what is added to it is not a number."""
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return is_text or isinstance(node, ast.JoinedStr | ast.List)


def _change(node: ast.expr) -> None:
    match node:
        case ast.Compare():
            node.ops = [TURNED[type(node.ops[0])]()]
        case ast.BinOp():
            node.op = OTHER[type(node.op)]()
        case ast.Constant(value=bool() as value):
            node.value = not value
        case ast.Constant(value=int() as value):
            node.value = value + 1
