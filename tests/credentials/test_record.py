import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.credentials.record import Out, Record, decode_records, encode_records, merge_records

TIMES = st.integers(0, 10).map(float)
RECORDS = st.builds(
    Record,
    outs=st.dictionaries(
        st.sampled_from(["COOLING", "SUSPENDED", "STRUCK_OUT"]),
        st.builds(Out, since=TIMES, until=st.none() | TIMES, reason=st.sampled_from(["", "X"])),
    ),
    strikes=st.integers(0, 3),
    kind=st.sampled_from(["", "BUILDER_ID"]),
    arn_mode=st.sampled_from(["", "WITH", "WITHOUT"]),
    refused=st.dictionaries(st.sampled_from("ab"), TIMES),
    successes=st.integers(0, 5),
    failures=st.integers(0, 5),
    last_used_at=st.none() | TIMES.filter(bool),
)


@given(st.dictionaries(st.integers(1, 9), RECORDS))
def test_what_is_written_is_read(records):
    assert decode_records(encode_records(records)) == records


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'{"credentials": {"x": {}}}', b'{"credentials": {"1": {"strikes": "a"}}}']
)
def test_what_is_something_else_is_refused(data):
    with pytest.raises(msgspec.DecodeError):
        decode_records(data)


@given(RECORDS, RECORDS)
def test_who_changed_nothing_takes_what_the_other_has(base, other):
    assert merge_records(base, base, other) == other
    assert merge_records(base, other, base) == other


@given(RECORDS, RECORDS, RECORDS)
def test_counters_add_up_and_standings_join_one_by_one(base, ours, theirs):
    merged = merge_records(base, ours, theirs)
    assert merged.successes == theirs.successes + ours.successes - base.successes
    for name in ("COOLING", "SUSPENDED", "STRUCK_OUT"):
        was, mine, other = (side.outs.get(name) for side in (base, ours, theirs))
        assert merged.outs.get(name) == (mine if mine != was else other)
