import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.kiro.identity import conversation_ids, machine_id, normal_machine_id

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
GIVEN = "2582956e-cc88-4669-b546-07adbffcb894"
TWICE = "2582956ecc884669b54607adbffcb894" * 2


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"refresh_token": "r" * 120}, "a5f0cd07479f0079f749c09f8f7dbd16d6eaca1aa84fec3fcf92c964812524e9"),
        (
            {"api_key": "ksk_example0123456789"},
            "494043374f4e7ac79ba6e798add0725446ef81798bec44bdf907040b72070b16",
        ),
        ({"own": GIVEN}, TWICE),
        ({"own": f" {GIVEN.upper()}\n"}, TWICE.upper()),
        ({"own": "nonsense", "configured": GIVEN, "api_key": "k"}, TWICE),
        ({"own": "Ab" * 32, "configured": GIVEN}, "Ab" * 32),
    ],
)
def test_known_machine_ids(parts, expected):
    assert machine_id(**parts) == expected


def test_an_api_key_never_falls_through_to_the_refresh_token():
    assert machine_id(api_key="k", refresh_token="r") == machine_id(api_key="k")


def test_without_anything_the_fallback_decides():
    assert machine_id(fallback="a") == machine_id(fallback="a") != machine_id(fallback="b")


@pytest.mark.parametrize("text", ["", "x" * 64, "a" * 63, "a" * 65, "a" * 31, "-", "٣" * 64])
def test_what_is_no_machine_id(text):
    assert normal_machine_id(text) == ""


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_ids_look_like_uuids_and_are_the_same_every_time(session, salt, fallback):
    ids = conversation_ids(session, salt, fallback)
    assert UUID.fullmatch(ids.conversation_id)
    assert UUID.fullmatch(ids.continuation_id)
    assert ids == conversation_ids(session, salt, fallback)
    assert ids.conversation_id != ids.continuation_id
    if session:
        assert ids == conversation_ids(session, salt, "another")


def test_each_agent_of_a_session_has_a_conversation_of_its_own():
    parts = ["", "a", "agent", "1:a"]
    ids = [conversation_ids(session, "k", "f", agent) for session, agent in product(["", *parts[1:]], parts)]
    assert len({each.conversation_id for each in ids}) == len(ids)
    assert conversation_ids("s", "k", "f", "") == conversation_ids("s", "k", "f")


def test_sessions_salts_and_fallbacks_are_told_apart():
    parts = ["a", "b", "ab", "a\0b", "1:a", "session", "x", "sessionx"]
    named = [conversation_ids(session, salt, "") for session, salt in product(parts, ["", *parts])]
    nameless = [conversation_ids("", salt, fallback) for salt, fallback in product(["", *parts], parts)]
    ids = {one.conversation_id for one in (*named, *nameless)}
    assert len(ids) == len(named) + len(nameless)
