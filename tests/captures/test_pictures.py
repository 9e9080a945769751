"""Files that show nothing: of the kind, the measures and the size of those that they stand for."""

import base64
import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from kiro_trio.captures.pictures import without_content
from kiro_trio.conversation.images import image_size
from tests.captures.said import PNG
from tests.conversation.test_images import gif, jpeg, png, webp_lossless
from tests.gateway.pdfs import in_base64, pdf

SIDES = st.integers(1, 16_000)


def encoded(data):
    return base64.b64encode(data).decode()


@given(SIDES, SIDES, st.sampled_from([png, jpeg, gif, webp_lossless]), st.integers(200, 3000))
def test_a_picture_keeps_its_kind_its_measures_and_its_size(width, height, kind, size) -> None:
    data = kind(width, height)
    data = encoded(data + b"private" * (size // 7))
    empty = without_content(data)
    assert image_size(empty) == image_size(data) == (width, height)
    assert base64.b64decode(empty)[:3] == base64.b64decode(data)[:3]
    assert b"private" not in base64.b64decode(empty)
    if width * height < 1_000_000:
        assert len(empty) == len(data)


def test_a_png_is_one() -> None:
    empty = base64.b64decode(without_content(PNG))
    place, kinds = 8, []
    while place < len(empty):
        length = int.from_bytes(empty[place : place + 4], "big")
        kind, content = empty[place + 4 : place + 8], empty[place + 8 : place + 8 + length]
        assert int.from_bytes(empty[place + 8 + length : place + 12 + length], "big") == zlib.crc32(
            kind + content
        )
        kinds.append(kind)
        place += 12 + length
        if kind == b"IEND":
            break
    assert (kinds[0], kinds[-1]) == (b"IHDR", b"IEND")


def test_a_pdf_is_one_page_that_says_nothing() -> None:
    data = in_base64(pdf(*["private words"] * 20))
    empty = without_content(data)
    assert len(empty) == len(data)
    reader = PdfReader(io.BytesIO(base64.b64decode(empty)))
    assert [page.extract_text() for page in reader.pages] == [""]


@pytest.mark.parametrize("data", ["no base64 at all!", "abc", "AAAA=AAA"])
def test_what_is_no_base64_stays_none(data) -> None:
    empty = without_content(data)
    assert len(empty) == len(data)
    with pytest.raises(ValueError, match=r"."):
        base64.b64decode(empty, validate=True)


@given(st.binary(max_size=300))
def test_what_nobody_knows_keeps_only_its_beginning(data) -> None:
    empty = base64.b64decode(without_content(encoded(data)))
    assert empty[:4] == data[:4] or empty.startswith(data[:2])
    assert len(empty) >= len(data)
