import pytest

from kiro_trio.credentials.document import Document, InvalidFile, parse_document, render_document


def test_a_single_object_that_got_company_is_an_array():
    assert parse_document(render_document(Document([{"a": 1}, {"b": 2}], single=True))) == Document(
        [{"a": 1}, {"b": 2}]
    )
    assert render_document(Document([], single=True)) == b"[]\n"


def test_half_a_surrogate_pair_survives():
    document = Document([{"email": "\ud800", "name": "é"}])
    assert parse_document(render_document(document)) == document


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'[\n  {"a": 1\n]', "is not JSON: Expecting ',' delimiter in line 3, column 1"),
        (b"\xff", "is not UTF-8 text"),
        (b"5", "must hold an object or an array of objects"),
        (b"[" * 100_000, "is nested too deeply"),
        (b"9" * 5000, "holds a number that is out of range"),
        (b"[1e999]", "holds a number that is out of range"),
        (b"[NaN]", "holds a number that is out of range"),
    ],
)
def test_what_is_wrong_is_said(data, message):
    with pytest.raises(InvalidFile) as raised:
        parse_document(data)
    assert str(raised.value) == message


@pytest.mark.parametrize("data", [b"", b"  \n", b"\xef\xbb\xbf[]", b"[]"])
def test_nothing_is_no_credentials(data):
    assert parse_document(data) == Document([])
