"""Web search as Kiro offers it: one call of a remote MCP server. Building the call, reading what it found.

Source: docs/wire.md, "Web search".
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.conversation.prompt import Choice, Prompt, Text, WebSearch
from kiro_trio.conversation.reply import WebPage
from kiro_trio.kiro.endings import number
from kiro_trio.wire import ServerSentEventDecoder, WireError

QUERY_LIMIT = 200
"""How many characters the server takes."""

RANDOM_BYTES = 30
"""How much randomness `search_id` needs."""

# Anthropic's error codes of web search.
UNAVAILABLE = "unavailable"
TOO_MANY_REQUESTS = "too_many_requests"
INVALID_INPUT = "invalid_tool_input"
MAX_USES_EXCEEDED = "max_uses_exceeded"
QUERY_TOO_LONG = "query_too_long"

_TOOL = "web_search"
_LOWER = "abcdefghijklmnopqrstuvwxyz0123456789"
_MIXED = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + _LOWER
_RPC_ERRORS = {-32602: INVALID_INPUT, -32600: INVALID_INPUT, 429: TOO_MANY_REQUESTS}
_FAULTS = {
    Fault.THROTTLED: TOO_MANY_REQUESTS,
    Fault.MODEL_CAPACITY: TOO_MANY_REQUESTS,
    Fault.DAILY_QUOTA: TOO_MANY_REQUESTS,
    Fault.MONTHLY_QUOTA: TOO_MANY_REQUESTS,
    Fault.QUEUE_FULL: TOO_MANY_REQUESTS,
    Fault.BAD_REQUEST: INVALID_INPUT,
}

# What Claude Code asks its searching sub-agent.
_ASKED = re.compile(r"\s*perform a web search for the query:\s*(.*)", re.IGNORECASE | re.DOTALL)

_MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]  # fmt: skip

_SNIPPET_LIMIT = 200


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """What a search found, or why it failed (`error`, one of Anthropic's codes)."""

    pages: tuple[WebPage, ...] = ()
    error: str = ""


def search_id(randomness: bytes, now: float) -> str:
    """An id for a call, in the form of Kiro's own client; `now` in seconds since 1970.

    Raises:
        ValueError: There are fewer than `RANDOM_BYTES` of randomness.
    """
    if len(randomness) < RANDOM_BYTES:
        raise ValueError(f"{len(randomness)} random bytes are too few")
    long = "".join(_MIXED[byte % len(_MIXED)] for byte in randomness[:22])
    short = "".join(_LOWER[byte % len(_LOWER)] for byte in randomness[22:30])
    return f"web_search_tooluse_{long}_{int(now * 1000)}_{short}"


def search_body(query: str, call_id: str) -> bytes:
    """The body of the call. A query that is too long is cut: half a question finds more than none."""
    arguments = {"query": clean_query(query)}
    params = {"name": _TOOL, "arguments": arguments}
    return msgspec.json.encode({"id": call_id, "jsonrpc": "2.0", "method": "tools/call", "params": params})


def clean_query(text: str) -> str:
    """A query as the server takes it: on one line, without half characters, at most `QUERY_LIMIT` long."""
    text = text.encode("utf-8", "ignore").decode()
    return " ".join(text.split())[:QUERY_LIMIT].rstrip()


def asked_query(prompt: Prompt) -> str | None:
    """What to search for, if all that the client wants of us is a search; else None.

    That is so when the search is the only tool, and may be used. The query is the last user turn that has text: behind
    Claude Code's words for it, or, without these, all of it.
    """
    if prompt.web_search is None or prompt.tools or prompt.tool_choice.choice is Choice.NONE:
        return None
    for turn in reversed(prompt.turns):
        text = "\n".join(block.text for block in turn.blocks if isinstance(block, Text)).strip()
        if turn.role == "user" and text:
            asked = _ASKED.match(text)
            return clean_query(asked.group(1) if asked else text) or None
    return None


def called_query(input_json: str) -> str | None:
    """What the model searches for, from the input of its call; None when the input has no query."""
    try:
        arguments = msgspec.json.decode(input_json)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    query = arguments.get("query") if isinstance(arguments, dict) else None
    return clean_query(query) or None if isinstance(query, str) else None


def parse_search(body: bytes, search: WebSearch | None = None) -> SearchAnswer:
    """Read the server's answer, JSON or the same as events; keep to the domains of `search`. Never raises."""
    for message in _messages(body):
        error = message.get("error")
        if error is not None:
            code = error.get("code") if isinstance(error, dict) else None
            return SearchAnswer(
                error=_RPC_ERRORS.get(code, UNAVAILABLE) if isinstance(code, int) else UNAVAILABLE
            )
        result = message.get("result")
        if isinstance(result, dict):
            found = None if result.get("isError") is True else _found(result)
            if found is None:
                return SearchAnswer(error=UNAVAILABLE)
            return SearchAnswer(tuple(page for page in map(_page, found) if page and _wanted(page, search)))
    return SearchAnswer(error=UNAVAILABLE)


def error_code(failure: Failure) -> str:
    """Anthropic's code for a search that could not even be made."""
    return _FAULTS.get(failure.fault, UNAVAILABLE)


def summary(query: str, pages: Iterable[WebPage]) -> str:
    """The pages in words: for the model that called the search, and for the client that asked for nothing else."""
    lines = [f'Web search results for "{query}":', ""]
    for place, page in enumerate(pages, 1):
        lines.append(f"{place}. **{page.title}**")
        snippet = " ".join(page.snippet.split())
        if len(snippet) > _SNIPPET_LIMIT:
            snippet = f"{snippet[:_SNIPPET_LIMIT].rstrip()}..."
        if snippet:
            lines.append(f"   {snippet}")
        lines.append(f"   Source: {page.url}")
        if page.page_age:
            lines.append(f"   Date: {page.page_age}")
        lines.append("")
    if len(lines) == 2:  # noqa: PLR2004 - the heading alone
        lines += ("Nothing was found.", "")
    lines.append("Search results may be inaccurate or out of date.")
    return "\n".join(lines)


def _messages(body: bytes) -> Iterator[Mapping[str, Any]]:
    """The JSON-RPC messages in a body, whichever of the two forms it has."""
    message = _decoded(body)
    if isinstance(message, dict):
        yield message
        return
    decoder = ServerSentEventDecoder()
    decoder.receive_data(body + b"\n\n")  # some do not end their last event
    try:
        for event in decoder.events():
            message = _decoded(event.data)
            if isinstance(message, dict):
                yield message
    except WireError:
        return


def _found(result: Mapping[str, Any]) -> list[Any] | None:
    """The list of results; None when the server says that it failed, or says nothing that we understand."""
    structured = result.get("structuredContent")
    content = result.get("content")
    texts = (
        (item.get("text") for item in content if isinstance(item, dict)) if isinstance(content, list) else ()
    )
    for answer in (structured, *(_decoded(text) for text in texts if isinstance(text, str))):
        if isinstance(answer, dict):
            if isinstance(answer.get("results"), list):
                found: list[Any] = answer["results"]
                return found if found or not answer.get("error") else None
            if answer.get("error"):
                return None
    return None


def _page(found: object) -> WebPage | None:
    """One result; None when it has no address that a browser could open."""
    if not isinstance(found, dict):
        return None
    url = found.get("url")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        return None
    title, snippet = found.get("title"), found.get("snippet")
    return WebPage(
        title=title if isinstance(title, str) and title.strip() else url,
        url=url,
        snippet=snippet if isinstance(snippet, str) else "",
        page_age=_page_age(found.get("publishedDate")),
    )


def _page_age(published: object) -> str | None:
    """`January 1, 2026` from milliseconds since 1970 or an ISO date."""
    milliseconds = number(published)
    try:
        if milliseconds is not None:
            date = datetime.fromtimestamp(milliseconds / 1000, UTC)
        elif isinstance(published, str):
            date = datetime.fromisoformat(published)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return f"{_MONTHS[date.month - 1]} {date.day}, {date.year}"


def _wanted(page: WebPage, search: WebSearch | None) -> bool:
    if search is None:
        return True
    if search.allowed_domains and not any(_within(page.url, domain) for domain in search.allowed_domains):
        return False
    return not any(_within(page.url, domain) for domain in search.blocked_domains)


def _within(url: str, domain: str) -> bool:
    """Whether a page is of a domain or of one below it; `example.com/blog` is the domain's pages from there on."""
    host, path = _host_and_path(url)
    wanted_host, wanted_path = _host_and_path(domain if "://" in domain else f"https://{domain}")
    if not wanted_host or not (host == wanted_host or host.endswith(f".{wanted_host}")):
        return False
    stem = wanted_path.rstrip("/*")
    return not stem or path == stem or path.startswith(f"{stem}/")


def _host_and_path(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").rstrip(".").removeprefix("*."), parts.path
    except ValueError:
        return "", ""


def _decoded(text: str | bytes) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
