"""Content of messages: Anthropic's content blocks in, `kiro_trio.conversation.prompt` blocks out.

A block of a type that we do not know is no error: what it says is kept as text, and either way it is counted.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kiro_trio.conversation.prompt import (
    Block,
    Document,
    Image,
    RedactedThinking,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)
from kiro_trio.dialects.anthropic.attachments import read_document, read_image
from kiro_trio.dialects.anthropic.errors import InvalidRequest
from kiro_trio.dialects.anthropic.fields import Fields, json_text
from kiro_trio.dialects.anthropic.searches import SEARCH_TEXTS
from kiro_trio.dialects.anthropic.signature import stripped
from kiro_trio.dialects.anthropic.unknown import in_words
from kiro_trio.dialects.anthropic.warnings import Warnings, label

# Anthropic's own word for it is "not rendered into the prompt".
_SILENT = frozenset({"fallback"})


def read_content(parent: Fields, warnings: Warnings) -> tuple[Block, ...]:
    """The blocks of `parent`'s field `content`, a string or an array of blocks; empty texts are left out."""
    content = parent.text_or_blocks("content")
    if content is None:
        raise InvalidRequest("Field required", parent.at("content"))
    if isinstance(content, str):
        return _texts(content)
    blocks: list[Block] = []
    for block in content:
        kind = block.optional("type", str) or "without type"
        read = _BLOCKS.get(kind)
        blocks += read(block, warnings) if read else _read_part(kind, block, warnings)
    return tuple(blocks)


def _read_part(kind: str, block: Fields, warnings: Warnings) -> Iterable[Text | Image | Document]:
    """What may stand in a message as well as in a tool's result."""
    if kind in _PARTS:
        return _PARTS[kind](block, warnings)
    if kind in SEARCH_TEXTS:
        return _texts(SEARCH_TEXTS[kind](block), apart=True)
    text = "" if kind in _SILENT else in_words(block.raw, label(kind))
    warnings.add(f"content block {label(kind)} {'read as text' if text else 'dropped'}")
    return _texts(text, apart=True)


def _texts(text: str, *, apart: bool = False) -> tuple[Text, ...]:
    return (Text(text, apart),) if text else ()


def _text(block: Fields, warnings: Warnings) -> Iterable[Text]:
    if block.raw.get("citations"):
        warnings.add("citations of a text left out")
    return _texts(block.required("text", str))


def _image(block: Fields, _warnings: Warnings) -> Iterable[Image]:
    return (read_image(block),)


def _thinking(block: Fields, _warnings: Warnings) -> Iterable[Thinking]:
    text = block.optional("thinking", str) or ""
    signature = stripped(block.optional("signature", str) or "")
    return (Thinking(text, signature),) if text or signature else ()


def _redacted_thinking(block: Fields, _warnings: Warnings) -> Iterable[RedactedThinking]:
    return (RedactedThinking(block.required("data", str)),)


def _tool_use(block: Fields, _warnings: Warnings) -> Iterable[ToolUse]:
    called_with = block.optional("input", dict) or {}
    return (ToolUse(block.required("id", str), block.required("name", str), called_with),)


def _tool_result(block: Fields, warnings: Warnings) -> Iterable[ToolResult]:
    tool_use_id = block.required("tool_use_id", str)
    said = block.raw.get("content")
    content = _texts(said) if isinstance(said, str) else tuple(_result_content(said, block, warnings))
    return (ToolResult(tool_use_id, content, block.optional("is_error", bool) or False),)


def _result_content(content: object, block: Fields, warnings: Warnings) -> Iterator[Text | Image | Document]:
    """Tools return what they like, so anything that is not a list of blocks is kept as the text of its JSON."""
    items: list[Any] = content if isinstance(content, list) else [content]
    for index, item in enumerate(items):
        if isinstance(item, dict) and isinstance(item.get("type"), str):
            part = Fields(item, block, "content", index if items is content else None)
            yield from _read_part(item["type"], part, warnings)
        elif item is not None:
            yield from _texts(item if isinstance(item, str) else json_text(item))


_PARTS: dict[str, Callable[[Fields, Warnings], Iterable[Text | Image | Document]]] = {
    "text": _text,
    "image": _image,
    "document": read_document,
}

_BLOCKS: dict[str, Callable[[Fields, Warnings], Iterable[Any]]] = {
    **_PARTS,
    "thinking": _thinking,
    "redacted_thinking": _redacted_thinking,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
}
