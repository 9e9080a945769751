"""Images and documents that come inside a request, and the clear refusal of those that do not."""

import base64
import binascii
import re
from collections.abc import Iterator

from kiro_trio.conversation.prompt import Document, Image, Text
from kiro_trio.dialects.anthropic.errors import InvalidRequest
from kiro_trio.dialects.anthropic.fields import Fields
from kiro_trio.dialects.anthropic.warnings import Warnings

_ELSEWHERE = {
    "url": "a URL is not fetched from here; send the file itself, as base64",
    "file": "there is no file store here; send the file itself, as base64",
}
_DATA_URL = re.compile(r"\s{0,9}data:(?P<type>[^;,\s]{0,99})(?:;[^;,\s]{1,99}){0,9}?;base64,", re.IGNORECASE)
_PLAIN_TEXT = {"application/json", "application/xml", "application/x-yaml", "application/javascript"}


def read_image(block: Fields) -> Image:
    """The picture of an `image` block; its source must be base64, also in the form of a data URL."""
    source = _source(block, {"base64"})
    return Image(_media_type(source), _data(source))


def read_document(block: Fields, warnings: Warnings) -> Iterator[Text | Image | Document]:
    """A `document` block: text (also as base64) becomes text under its title, anything else stays a document.

    `context` goes with it as text. Source: docs/wire.md, "Images and documents".
    """
    source = _source(block, {"base64", "text", "content"})
    if (block.child("citations") or Fields({})).raw.get("enabled"):
        warnings.add("citations of a document not available")
    title, context = block.optional("title", str) or "", block.optional("context", str) or ""
    kind = source.raw["type"]
    if kind == "base64" and not _is_text(_media_type(source)):
        if context:
            yield Text(context)
        yield Document(_media_type(source), _data(source), title)
        return
    images: list[Image] = []
    text = {
        "base64": lambda: _decoded(source, warnings),
        "text": lambda: source.required("data", str),
        "content": lambda: _joined(source, images, warnings),
    }[kind]()
    if text or context:
        yield Text(_titled("\n\n".join(filter(None, (context, text))), title))
    yield from images


def _source(block: Fields, kinds: set[str]) -> Fields:
    source = _unpacked(Fields(block.required("source", dict), block, "source"))
    kind = source.required("type", str)
    if kind not in kinds:
        expected = f"expected one of {', '.join(sorted(kinds))}"
        raise InvalidRequest(_ELSEWHERE.get(kind, expected), source.at("type"))
    return source


def _unpacked(source: Fields) -> Fields:
    """A source whose data URL is taken apart; others come back as they are."""
    value = source.raw.get("url" if source.raw.get("type") == "url" else "data")
    url = _DATA_URL.match(value) if isinstance(value, str) else None
    if url is None or source.raw.get("type") not in ("url", "base64"):
        return source
    media_type = url["type"] or source.raw.get("media_type") or "text/plain"
    found = {"type": "base64", "media_type": media_type, "data": url.string[url.end() :]}
    return Fields(found, source.parent, source.name)


def _media_type(source: Fields) -> str:
    return source.required("media_type", str).partition(";")[0].strip().lower()


def _is_text(media_type: str) -> bool:
    return media_type.startswith("text/") or media_type in _PLAIN_TEXT


def _data(source: Fields) -> str:
    # Encoders that follow MIME break base64 into lines, which JSON parsers of binary fields refuse.
    data = "".join(source.required("data", str).split())
    if not data:
        raise InvalidRequest("must not be empty", source.at("data"))
    if "-" in data or "_" in data:  # the alphabet of URLs
        data = data.replace("-", "+").replace("_", "/")
    # Without the filling at the end, too, it is unmistakable.
    return data if len(data) % 4 == 0 else data + "=" * (-len(data) % 4)


def _decoded(source: Fields, warnings: Warnings) -> str:
    try:
        data = base64.b64decode(_data(source), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest("not valid base64", source.at("data")) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        warnings.add("bytes of a text document that are not UTF-8 replaced")
        return data.decode("utf-8", "replace")


def _joined(source: Fields, images: list[Image], warnings: Warnings) -> str:
    """The texts of a `content` source, one below the other; its pictures are put into `images`."""
    content = source.text_or_blocks("content")
    if isinstance(content, str):
        return content
    texts = []
    for part in content or ():
        kind = part.required("type", str)
        if kind == "image":
            images.append(read_image(part))
        elif kind == "text":
            texts.append(part.required("text", str))
        else:
            warnings.add("part of a document that is neither text nor image dropped")
    return "\n".join(filter(None, texts))


def _titled(text: str, title: str) -> str:
    name = title.replace('"', "'")
    return f'<document title="{name}">\n{text}\n</document>' if name else f"<document>\n{text}\n</document>"
