import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.strategies.json_values import JSON
from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.conversation.prompt import (
    Choice,
    Image,
    Prompt,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
    Turn,
    WebSearch,
)
from kiro_trio.conversation.reply import WebPage
from kiro_trio.kiro.websearch import (
    QUERY_LIMIT,
    RANDOM_BYTES,
    SearchAnswer,
    asked_query,
    called_query,
    clean_query,
    error_code,
    parse_search,
    search_body,
    search_id,
    summary,
)
from kiro_trio.wire import encode_event

RESULT = {
    "title": "Trio",
    "url": "https://trio.readthedocs.io/",
    "snippet": "Structured concurrency",
    "publishedDate": 1_767_225_600_000,
    "id": "1",
    "domain": "trio.readthedocs.io",
    "maxVerbatimWordLimit": 30,
    "publicDomain": False,
}
PAGE = WebPage("Trio", "https://trio.readthedocs.io/", "Structured concurrency", "January 1, 2026")
FOUND = {"results": [RESULT], "totalResults": 1, "query": "trio", "error": None}


def rpc(**fields) -> bytes:
    return json.dumps({"id": "x", "jsonrpc": "2.0", **fields}).encode()


def as_text(found, **fields) -> bytes:
    return rpc(result={"isError": False, "content": [{"type": "text", "text": json.dumps(found)}], **fields})


def asks(*texts: str, **changes) -> Prompt:
    turns = tuple(
        Turn("user" if place % 2 == 0 else "assistant", (Text(text),)) for place, text in enumerate(texts)
    )
    return Prompt(**({"model": "m", "turns": turns, "web_search": WebSearch()} | changes))


# The call


def test_the_body_is_a_call_of_the_tool() -> None:
    assert json.loads(search_body("trio  cancellation\n", "id-1")) == {
        "id": "id-1",
        "jsonrpc": "2.0",
        "method": "tools/call",
        "params": {"name": "web_search", "arguments": {"query": "trio cancellation"}},
    }


@given(st.binary(min_size=RANDOM_BYTES, max_size=40), st.floats(0, 4e9))
def test_ids_have_the_form_of_kiros_client(randomness, now) -> None:
    *head, long, milliseconds, short = search_id(randomness, now).split("_")
    assert "_".join(head) == "web_search_tooluse"
    assert len(long) == 22
    assert set(long) <= set(string.ascii_letters + string.digits)
    assert int(milliseconds) == int(now * 1000)
    assert len(short) == 8
    assert set(short) <= set(string.ascii_lowercase + string.digits)


def test_too_little_randomness_is_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        search_id(b"x" * (RANDOM_BYTES - 1), 0)


@given(st.text(st.characters(), max_size=400))
def test_a_query_is_one_short_line(text) -> None:
    query = clean_query(text)
    assert len(query) <= QUERY_LIMIT
    assert query == query.strip()
    assert "\n" not in query
    assert clean_query(query) == query
    search_body(text, "id").decode()


# What to search for


@pytest.mark.parametrize(
    ("prompt", "query"),
    [
        (asks("Perform a web search for the query: trio docs"), "trio docs"),
        (asks("PERFORM A WEB SEARCH for the query:\n trio\ndocs "), "trio docs"),
        (asks("first", "answer", "Perform a web search for the query: second"), "second"),
        (asks("just words"), "just words"),
        (asks("q" * 300), "q" * 200),
        (asks("question", "answer"), "question"),
        (asks("Perform a web search for the query:  "), None),
        (asks(), None),
        (asks(" "), None),
        (asks("x", web_search=None), None),
        (asks("x", tool_choice=ToolChoice(Choice.NONE)), None),
        (asks("x", tools=(Tool("Read", "", {}),)), None),
        (asks(turns=(Turn("user", (Text("a"), Image("image/png", ""), Text("b"))),)), "a b"),
        (asks(turns=(Turn("user", (Text("a"),)), Turn("user", (ToolResult("t", ()),)))), "a"),
        (
            asks(
                turns=(
                    Turn(
                        "user", (Text("Mind this."), Text("Perform a web search for the query: c"), Text(" "))
                    ),
                )
            ),
            "c",
        ),
        (asks("x", tool_choice=ToolChoice(Choice.TOOL, "web_search")), "x"),
    ],
    ids=range(16),
)
def test_the_query_of_a_request_that_only_searches(prompt, query) -> None:
    assert asked_query(prompt) == query


@pytest.mark.parametrize(
    ("input_json", "query"),
    [
        ('{"query":" trio "}', "trio"),
        ('{"query":""}', None),
        ('{"query":5}', None),
        ("{}", None),
        ("[1]", None),
        ("{", None),
        ('{"query":"\\ud800"}', None),
    ],
)
def test_the_query_of_a_call(input_json, query) -> None:
    assert called_query(input_json) == query


# The answer


@pytest.mark.parametrize(
    "body",
    [
        as_text(FOUND),
        as_text({"results": []}, structuredContent=FOUND),
        rpc(result={"structuredContent": FOUND}),
        json.dumps(
            {
                "result": {
                    "content": [
                        {"type": "image"},
                        {"type": "text", "text": "no JSON"},
                        {"type": "text", "text": json.dumps(FOUND)},
                    ]
                }
            }
        ).encode(),
        encode_event("message", as_text(FOUND)),
        b"data: " + as_text(FOUND),
        encode_event("", rpc(method="notifications/progress"))
        + b": comment\n\n"
        + encode_event("", as_text(FOUND)),
        b"data: [DONE]\r\n\r\ndata: " + as_text(FOUND) + b"\r\n\r\n",
    ],
    ids=range(8),
)
def test_results_in_every_form(body) -> None:
    assert parse_search(body) == SearchAnswer((PAGE,))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (rpc(error={"code": -32602, "message": "Invalid params"}), "invalid_tool_input"),
        (rpc(error={"code": -32603, "message": "x"}), "unavailable"),
        (rpc(error={"code": 429}), "too_many_requests"),
        (rpc(error="x"), "unavailable"),
        (
            rpc(result={"isError": True, "content": [{"type": "text", "text": json.dumps(FOUND)}]}),
            "unavailable",
        ),
        (as_text({"results": [], "error": "boom"}), "unavailable"),
        (as_text({"error": "boom"}), "unavailable"),
        (rpc(result={}), "unavailable"),
        (rpc(result={"content": "x"}), "unavailable"),
        (b"", "unavailable"),
        (b"<html>", "unavailable"),
        (b"data: \xff\n\n", "unavailable"),
        (b"[" * 100_000, "unavailable"),
    ],
    ids=range(13),
)
def test_failures_are_errors_and_not_empty_results(body, error) -> None:
    assert parse_search(body) == SearchAnswer(error=error)


def test_nothing_found_is_no_error() -> None:
    assert parse_search(as_text({"results": []})) == SearchAnswer()


@settings(max_examples=50)
@given(
    JSON
    | st.builds(lambda inner: {"result": inner}, JSON)
    | st.builds(
        lambda inner: {"result": {"structuredContent": {"results": [inner]}}},
        JSON | st.dictionaries(st.sampled_from(sorted(RESULT)), JSON),
    )
)
def test_any_answer_can_be_read(value) -> None:
    answer = parse_search(json.dumps(value).encode())
    assert all(page.url.startswith("http") and page.title for page in answer.pages)


@pytest.mark.parametrize(
    ("changes", "page"),
    [
        ({"url": "javascript:alert(1)"}, None),
        ({"url": None}, None),
        ({"title": " "}, WebPage(PAGE.url, PAGE.url, PAGE.snippet, PAGE.page_age)),
        ({"snippet": None}, WebPage("Trio", PAGE.url, "", PAGE.page_age)),
        ({"publishedDate": "1767225600000"}, PAGE),
        ({"publishedDate": "2026-01-01T10:00:00Z"}, PAGE),
        ({"publishedDate": "yesterday"}, WebPage("Trio", PAGE.url, PAGE.snippet)),
        ({"publishedDate": 1e300}, WebPage("Trio", PAGE.url, PAGE.snippet)),
        ({"publishedDate": None}, WebPage("Trio", PAGE.url, PAGE.snippet)),
    ],
    ids=range(9),
)
def test_single_results(changes, page) -> None:
    assert parse_search(as_text({"results": [RESULT | changes]})).pages == ((page,) if page else ())


@pytest.mark.parametrize(
    ("url", "domain", "within"),
    [
        ("https://example.com/a", "example.com", True),
        ("https://docs.example.com/a", "example.com", True),
        ("https://example.com:8443/a", "EXAMPLE.com", True),
        ("https://notexample.com/", "example.com", False),
        ("https://example.com.evil.org/", "example.com", False),
        ("https://evil.org/?example.com", "example.com", False),
        ("https://example.com@evil.org/", "example.com", False),
        ("https://example.com/", "docs.example.com", False),
        ("https://example.com/blog/post", "example.com/blog", True),
        ("https://example.com/blog", "example.com/blog/", True),
        ("https://example.com/blogger", "example.com/blog", False),
        ("https://example.com/blog/post", "https://example.com/blog/*", True),
        ("https://a.example.com/", "*.example.com", True),
        ("https://example.com/", "", False),
        ("https://[bad/", "example.com", False),
    ],
)
def test_domains(url, domain, within) -> None:
    body = as_text({"results": [RESULT | {"url": url}]})
    assert bool(parse_search(body, WebSearch(allowed_domains=("other.org", domain))).pages) is within
    assert bool(parse_search(body, WebSearch(blocked_domains=("other.org", domain))).pages) is not within
    assert len(parse_search(body, WebSearch()).pages) == 1


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.THROTTLED, "too_many_requests"),
        (Fault.MONTHLY_QUOTA, "too_many_requests"),
        (Fault.BAD_REQUEST, "invalid_tool_input"),
        (Fault.CONNECT_FAILED, "unavailable"),
    ],
)
def test_calls_that_fail_have_anthropics_codes(fault, code) -> None:
    assert error_code(Failure(fault)) == code


def test_the_summary_has_every_page() -> None:
    words = summary("trio", [PAGE, WebPage("Other", "https://o.org", "long " * 100)])
    assert words.startswith('Web search results for "trio":')
    assert (
        "1. **Trio**\n   Structured concurrency\n   Source: https://trio.readthedocs.io/\n   Date: January 1, 2026"
        in words
    )
    assert "2. **Other**\n   long" in words
    assert "...\n   Source: https://o.org" in words
    assert "Nothing was found." not in words
    assert "Nothing was found." in summary("trio", [])
