import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiro_trio.credentials.document import Document, InvalidFile, parse_document, render_document

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=3,
)
OBJECTS = st.dictionaries(st.text(), VALUES)


@settings(max_examples=25)
@given(st.lists(OBJECTS, max_size=3))
def test_an_array_stays_an_array_and_keeps_all(entries):
    assert parse_document(render_document(Document(entries))) == Document(entries)


@settings(max_examples=25)
@given(OBJECTS)
def test_a_single_object_stays_single(entry):
    document = Document([entry], single=True)
    assert parse_document(render_document(document)) == document


def test_a_single_object_that_got_company_is_an_array():
    assert parse_document(render_document(Document([{"a": 1}, {"b": 2}], single=True))) == Document(
        [{"a": 1}, {"b": 2}]
    )
    assert render_document(Document([], single=True)) == b"[]\n"


def test_half_a_surrogate_pair_survives():
    document = Document([{"email": "\ud800", "name": "é"}])
    assert parse_document(render_document(document)) == document


@given(st.binary(max_size=40))
def test_any_bytes_are_a_document_or_an_invalid_file(data):
    try:
        document = parse_document(data)
    except InvalidFile:
        return
    assert parse_document(render_document(document)) == document


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'[\n  {"a": 1\n]', "is not JSON: Expecting ',' delimiter in line 3, column 1"),
        (b"\xff", "is not UTF-8 text"),
        (b"5", "must hold an object or an array of objects"),
        (b"[" * 100_000, "is nested too deeply"),
    ],
)
def test_what_is_wrong_is_said(data, message):
    with pytest.raises(InvalidFile) as raised:
        parse_document(data)
    assert str(raised.value) == message


@pytest.mark.parametrize("data", [b"", b"  \n", b"\xef\xbb\xbf[]", b"[]"])
def test_nothing_is_no_credentials(data):
    assert parse_document(data) == Document([])
