"""A codec that counts what it copies: cost as a number that is the same on every machine.

Its source is rewritten before it is loaded, so that each slice, each `bytes(...)`, each cut of a `Struct` and each `+=` to a buffer
reports the bytes that it copies. A step is one such place passed once; whatever loops, passes some.
"""

import ast
from dataclasses import dataclass
from functools import cache

from fuzz.codec import INSTALLED, Codec, load


@dataclass
class Cost:
    """Bytes copied, bytes that went through a CRC, and steps."""

    copied: int = 0
    checked: int = 0
    steps: int = 0


def counted(codec: Codec = INSTALLED) -> tuple[Codec, Cost]:
    """The codec, made to count, and its counters, set to zero."""
    codec, cost = _load(codec)
    cost.copied = cost.checked = cost.steps = 0
    codec.forget()
    return codec, cost


@cache
def _load(plain: Codec) -> tuple[Codec, Cost]:
    cost = Cost()

    def count(value):
        cost.steps += 1
        parts = value if isinstance(value, tuple) else (value,)
        cost.copied += sum(len(part) for part in parts if isinstance(part, bytes | bytearray))
        return value

    codec = load(plain.changed, compiled=_compile)
    for module in (codec.eventstream, codec.memory, codec.message, codec.headers, codec.sse):
        module._count = count
    crc32 = codec.eventstream.crc32

    def checked(data, state=0):
        cost.checked += len(data)
        return crc32(data, state)

    codec.eventstream.crc32 = checked
    return codec, cost


def _compile(text: str, path: str):
    tree = ast.fix_missing_locations(_Counting().visit(ast.parse(text)))
    return compile(tree, path, "exec")


class _Counting(ast.NodeTransformer):
    """Puts `_count(...)` around whatever copies bytes. Annotations are left alone."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:  # ast wants this name
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.body = [self.visit(statement) for statement in node.body]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.body = [self.visit(part) if isinstance(part, ast.FunctionDef) else part for part in node.body]
        return node

    def visit_Module(self, node: ast.Module) -> ast.AST:
        node.body = [
            self.visit(part) if isinstance(part, ast.FunctionDef | ast.ClassDef) else part
            for part in node.body
        ]
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        return _counted(node) if isinstance(node.ctx, ast.Load) else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        return _counted(node) if name in {"bytes", "bytearray", "unpack", "unpack_from", "join"} else node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        node.value = _counted(node.value)
        return node


def _counted(value: ast.expr) -> ast.Call:
    return ast.Call(ast.Name("_count", ast.Load()), [value], [])
