"""Says in words which values an annotation allows."""

from __future__ import annotations

import ast
import re

_SIMPLE = {
    "int": "whole number",
    "float": "number",
    "str": "text",
    "bool": "True or False",
    "None": "None",
    "object": "object",
    "Any": "object",
    "tuple[int, int]": "two whole numbers",
    "tuple[float, float]": "two numbers",
    "tuple[float | None, ...]": "list of numbers or None",
    "Task": "object, such as @PanopticTask()",
    "Fusion": "object, such as @PanopticFusion()",
    "Sequence[int]": "list of whole numbers",
    "Sequence[float]": "list of numbers",
    "Sequence[str]": "list of texts",
}


def describe_type(annotation: str) -> str:
    """Returns the type in words, such as "whole number or None".

    Args:
      annotation: as `read_parameters` returns it. A class stands for an object of it, which Gin
        writes as `@NAME()`; a callable for a function or class, which Gin writes as `@NAME`.
    """
    parts = [_describe(ast.unparse(part)) for part in _alternatives(annotation)]
    return " or ".join(dict.fromkeys(parts))


def _alternatives(annotation: str) -> list[ast.expr]:
    """Splits `A | B | None`."""

    def split(node: ast.expr) -> list[ast.expr]:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return [*split(node.left), *split(node.right)]
        return [node]

    return split(ast.parse(annotation, mode="eval").body)


def _describe(text: str) -> str:
    if text in _SIMPLE:
        return _SIMPLE[text]
    if choices := re.fullmatch(r"Literal\[(.*)\]", text):
        return " or ".join(choices[1].split(", "))
    if text.startswith("Callable"):
        return "function or class, such as @NAME"
    if text == "tf_keras.layers.Layer":
        return "layer, such as @NAME()"
    return f"object, such as @{text.rpartition('.')[2]}()"
