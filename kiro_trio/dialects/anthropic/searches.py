"""Blocks about things that only Anthropic's servers can do, said in words so that any model can read them.

They stand in the history of a conversation: searches that the gateway (or Anthropic) made, results that the client
brought itself, tools that a tool search found.
"""

import re
from collections.abc import Callable, Mapping

from kiro_trio.dialects.anthropic.fields import Fields, json_text

# Anthropic's own `encrypted_content` is one long word of base64 that only Anthropic can read. Ours is the plain snippet.
_ENCRYPTED = re.compile(r"[A-Za-z0-9+/=_-]{48,}")


def _search_result(block: Fields) -> str:
    title, source = block.optional("title", str) or "", block.optional("source", str) or ""
    texts = [part.optional("text", str) or "" for part in block.children("content")]
    head = " ".join(filter(None, (title, source and f"<{source}>")))
    return "\n".join(filter(None, (f"Search result: {head}", *texts)))


def _tool_reference(block: Fields) -> str:
    return f"The tool {block.required('tool_name', str)} is now available."


def _tool_addition(block: Fields) -> str:
    return f"The tool {_changed_tool(block)} is now available."


def _tool_removal(block: Fields) -> str:
    return f"The tool {_changed_tool(block)} is no longer available: do not call it."


def _changed_tool(block: Fields) -> str:
    """The name of the tool, or of the server with its tools, that comes or goes in the middle of a conversation."""
    tool = Fields(block.required("tool", dict), block, "tool")
    named = tool.child("definition") or tool
    names = (named.optional(name, str) for name in ("name", "tool_name", "mcp_server_name", "server_name"))
    return next(filter(None, names), "without a name")


def _server_tool_use(block: Fields) -> str:
    name = block.required("name", str)
    asked = block.optional("input", dict) or {}
    query = asked.get("query")
    if name == "web_search" and isinstance(query, str):
        return f"Searched the web for: {query}"
    return f"Used the server tool {name} with {json_text(asked)}"


def _web_search_tool_result(block: Fields) -> str:
    content = block.raw.get("content")
    if not isinstance(content, list):
        error = (block.child("content") or Fields({})).optional("error_code", str)
        return f"The web search failed: {error or 'unknown error'}"
    pages = [_page(number, page) for number, page in enumerate(block.children("content"), start=1)]
    return "\n".join(("Web search results:", *pages) if pages else ("The web search found nothing.",))


def _page(number: int, page: Fields) -> str:
    title, url = page.optional("title", str) or "", page.optional("url", str) or ""
    age, snippet = page.optional("page_age", str), page.optional("encrypted_content", str) or ""
    head = " ".join(filter(None, (f"{number}.", title, url and f"<{url}>", age and f"({age})")))
    return head if not snippet or _ENCRYPTED.fullmatch(snippet) else f"{head}\n   {snippet}"


SEARCH_TEXTS: Mapping[str, Callable[[Fields], str]] = {
    "search_result": _search_result,
    "tool_reference": _tool_reference,
    "tool_addition": _tool_addition,
    "tool_removal": _tool_removal,
    "server_tool_use": _server_tool_use,
    "web_search_tool_result": _web_search_tool_result,
}
"""How each of these block types is said in words."""
