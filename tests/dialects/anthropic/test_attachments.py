import base64
from typing import Any

import pytest

from kiro_trio.conversation.prompt import Document, Image, Text
from kiro_trio.dialects.anthropic.errors import InvalidRequest
from kiro_trio.dialects.anthropic.request import parse_messages
from tests.dialects.anthropic.requests import IMAGE, PDF, PNG, body, result, text, user


def source(
    kind: str = "base64", media_type: Any = "text/plain", data: Any = "YQ==", **more: Any
) -> dict[str, Any]:
    return {"type": kind, "media_type": media_type, "data": data, **more}


def document(of: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "document", "source": of, **more}


def parsed(block: Any):
    return parse_messages(body(messages=[user(block)])).prompt


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("block", "blocks"),
    [
        (document(source("text", data="a b")), [Text("<document>\na b\n</document>")]),
        (
            document(source("text", data="a"), title='Say "hi"', context="from mail"),
            [Text("<document title=\"Say 'hi'\">\nfrom mail\n\na\n</document>")],
        ),
        (document(source(data=encoded("né".encode()))), [Text("<document>\nné\n</document>")]),
        (document(source(media_type="text/csv; charset=utf-8")), [Text("<document>\na\n</document>")]),
        (
            document(source(media_type="application/json", data=encoded(b"{}"))),
            [Text("<document>\n{}\n</document>")],
        ),
        (document({"type": "content", "content": "a"}), [Text("<document>\na\n</document>")]),
        (
            document({"type": "content", "content": [text("a"), IMAGE, text("b")]}, title="T"),
            [Text('<document title="T">\na\nb\n</document>'), Image("image/png", PNG)],
        ),
        (document(source("text", data="")), []),
        (document(source(media_type="application/pdf", data=PDF)), [Document("application/pdf", PDF)]),
        (
            document(
                source(media_type="Application/PDF", data=PDF),
                title="a.pdf",
                context="c",
                citations={"enabled": False},
            ),
            [Text("c"), Document("application/pdf", PDF, "a.pdf")],
        ),
        (
            {"type": "image", "source": source(media_type="image/JPEG", data="aa\nbb\r\n")},
            [Image("image/jpeg", "aabb")],
        ),
        (
            {"type": "image", "source": source(media_type="image/png", data="a-_bcc")},
            [Image("image/png", "a+/bcc==")],
        ),
        (
            {"type": "image", "source": {"type": "url", "url": "data:image/png;base64,aabb"}},
            [Image("image/png", "aabb")],
        ),
        (
            {
                "type": "image",
                "source": source(media_type="image/gif", data="data:image/PNG;x=y;base64,aabb"),
            },
            [Image("image/png", "aabb")],
        ),
        (
            document({"type": "url", "url": "data:;base64,YQ=="}, title="T"),
            [Text('<document title="T">\na\n</document>')],
        ),
        (
            document({"type": "url", "url": f"data:application/pdf;base64,{PDF}"}),
            [Document("application/pdf", PDF)],
        ),
    ],
    ids=str,
)
def test_attachments(block, blocks):
    assert list(parsed(block).turns[0].blocks) == blocks
    assert parsed(block).warnings == ()
    assert list(parsed(result([block])).turns[0].blocks[0].content) == blocks


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ({"type": "image"}, "source: Field required"),
        ({"type": "image", "source": "x"}, "source: expected object, got string"),
        ({"type": "image", "source": {}}, "source.type: Field required"),
        (
            {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
            "source.type: a URL is not fetched from here; send the file itself, as base64",
        ),
        (
            {"type": "image", "source": {"type": "file", "file_id": "f"}},
            "source.type: there is no file store here; send the file itself, as base64",
        ),
        (
            {"type": "image", "source": {"type": "url", "url": "data:image/png,aabb"}},
            "source.type: a URL is not fetched from here; send the file itself, as base64",
        ),
        (
            document({"type": "url", "url": "x"}),
            "source.type: a URL is not fetched from here; send the file itself, as base64",
        ),
        (
            document({"type": "file"}),
            "source.type: there is no file store here; send the file itself, as base64",
        ),
        ({"type": "image", "source": source("text")}, "source.type: expected one of base64"),
        (document(source("scroll")), "source.type: expected one of base64, content, text"),
        ({"type": "image", "source": source(data=7)}, "source.data: expected string, got integer"),
        ({"type": "image", "source": source(data=" \n")}, "source.data: must not be empty"),
        (
            {"type": "image", "source": source(media_type=None)},
            "source.media_type: expected string, got null",
        ),
        (document(source(data="YWJj!")), "source.data: not valid base64"),
        (document(source(data="é")), "source.data: not valid base64"),
        (document(source("text", data=[])), "source.data: expected string, got array"),
        (document(source("text"), title=1), "title: expected string, got integer"),
        (
            document({"type": "content", "content": 3}),
            "source.content: expected string or array, got integer",
        ),
        (
            document({"type": "content", "content": [text(1)]}),
            "source.content.0.text: expected string, got integer",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_refused_with_its_place(block, complaint):
    with pytest.raises(InvalidRequest) as caught:
        parsed(block)
    assert str(caught.value) == f"messages.0.content.0.{complaint}"
    with pytest.raises(InvalidRequest) as caught:
        parsed(result([text("a"), block]))
    assert str(caught.value) == f"messages.0.content.0.content.1.{complaint}"


def test_citations_that_are_asked_for_are_counted():
    asked = parsed(document(source("text", data="a"), citations={"enabled": True}))
    assert asked.warnings == ("citations of a document not available",)


def test_text_that_is_not_utf8_is_kept_with_a_warning():
    prompt = parsed(document(source(data=encoded(b"a\xff"))))
    assert prompt.turns[0].blocks == (Text("<document>\na\ufffd\n</document>"),)
    assert prompt.warnings == ("bytes of a text document that are not UTF-8 replaced",)


def test_an_unknown_part_of_a_document_is_counted():
    prompt = parsed(document({"type": "content", "content": [{"type": "novelty"}, text("a")]}))
    assert prompt.turns[0].blocks == (Text("<document>\na\n</document>"),)
    assert len(prompt.warnings) == 1
