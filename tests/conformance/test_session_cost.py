"""A session of 200 turns: what a turn costs grows with what is said and not faster, and its head never changes."""

import gc
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from time import thread_time
from typing import Any

import pytest

from kiro_trio.conversation.tokens import estimate_tokens
from kiro_trio.dialects.anthropic.request import parse_messages
from kiro_trio.kiro.identity import conversation_ids
from kiro_trio.kiro.request import KiroRequest, build_request
from tests.conformance.sessions import body_of, turns

TURNS = 200
SECONDS_PER_MEGABYTE = 0.005
CALLS_PER_MESSAGE = 35
"""A sixth more than there are."""


def converted(body: bytes) -> KiroRequest:
    """All that is done with a request before it is sent, but for the count of its tokens."""
    prompt = replace(parse_messages(body).prompt, model="claude-opus-4.8")
    ids = conversation_ids(prompt.session, "key", "fallback")
    return build_request(prompt, conversation_id=ids.conversation_id, continuation_id=ids.continuation_id)


def sent(request: KiroRequest) -> bytes:
    return request.body(origin="AI_EDITOR", agent_fields=True, profile_arn="arn:aws:x")


@pytest.fixture(scope="module")
def session() -> list[dict[str, Any]]:
    return turns(TURNS)


def test_the_head_is_the_same_in_every_turn(session) -> None:
    hashes, ids, heads = set(), set(), set()
    before = b""
    for count in (*range(1, 42, 2), *range(43, len(session), 26), len(session) // 2 * 2 + 1):
        request = converted(body_of(session[:count]))
        state = json.loads(sent(request))["conversationState"]
        hashes.add(request.prefix_hash)
        ids.add((state["conversationId"], state["agentContinuationId"]))
        heads.add(json.dumps(state["history"][:2]))
        # What was history stays history, byte for byte: this is what a cache of prefixes lives from.
        history = json.dumps(state["history"]).encode()[:-1]
        assert history.startswith(before)
        before = history
    assert len(hashes) == len(ids) == len(heads) == 1


def work(call) -> int:
    """How many functions are called, Python's and C's: a measure that no busy machine can change."""
    entered = 0

    def profile(_frame, event, _argument) -> None:
        nonlocal entered
        entered += event in {"call", "c_call"}

    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(None)
    return entered


def test_the_work_grows_in_proportion(session) -> None:
    quarter, whole = body_of(session[: TURNS // 4 * 2 + 1]), body_of(session)
    floor = work(lambda: converted(body_of(session[:1])))
    once = work(lambda: converted(quarter)) - floor
    four_times = work(lambda: converted(whole)) - floor
    assert four_times < 4.4 * once


def test_a_message_costs_few_steps(session) -> None:
    """What holds the target below where time cannot: see bench/conversion.py for the time."""
    floor = work(lambda: sent(converted(body_of(session[:1]))))
    grown = work(lambda: sent(converted(body_of(session)))) - floor
    assert grown < CALLS_PER_MESSAGE * (len(session) - 1)


def test_longer_texts_cost_no_more_steps(session) -> None:
    short, long = body_of(turns(50, filler=1000)), body_of(turns(50, filler=20_000))
    assert work(lambda: converted(long)) < 1.1 * work(lambda: converted(short))


def seconds(call) -> float:
    began = thread_time()
    call()
    return thread_time() - began


@pytest.fixture
def a_gateways_heap() -> Iterator[None]:
    """What is there already is not looked through for garbage again, as in a gateway."""
    gc.collect()
    gc.freeze()
    threshold = gc.get_threshold()
    gc.set_threshold(5_000, 10, 10)
    yield
    gc.set_threshold(*threshold)
    gc.unfreeze()


@pytest.mark.usefixtures("a_gateways_heap")
@pytest.mark.parametrize("filler", [4000, 20_000])
def test_a_megabyte_is_converted_within_five_milliseconds(filler: int) -> None:
    """For the share of a session that grows; the recorded head itself (tools, system text) costs once per request."""
    whole, start = body_of(turns(TURNS, filler=filler)), body_of(turns(1))
    megabytes = (len(whole) - len(start)) / 1e6
    # The least of some tries: what it takes when nothing else is in the way. In turn, so that both find the same caches.
    tries = [[seconds(lambda body=body: sent(converted(body))) for body in (whole, start)] for _ in range(12)]
    long, short = map(min, zip(*tries, strict=True))
    taken = long - short
    # A busy or slow machine gets ten times as long: what is to be found is a change of kind.
    assert taken / megabytes < 10 * SECONDS_PER_MEGABYTE
    print(f"{taken / megabytes * 1000:.2f} ms per MB, {megabytes:.1f} MB")  # noqa: T201


def test_counting_tokens_is_as_cheap() -> None:
    short = parse_messages(body_of(turns(50))).prompt
    long = parse_messages(body_of(turns(200))).prompt
    floor = work(lambda: estimate_tokens(parse_messages(body_of(turns(1))).prompt))
    assert work(lambda: estimate_tokens(long)) < 4.4 * work(lambda: estimate_tokens(short)) + floor
