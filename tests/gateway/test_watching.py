"""Watching changes nothing: what passes by passes unchanged, and what was seen is right."""

from collections.abc import Sequence

import pytest
import trio

from kiro_trio.conversation.faults import Ended, Failure, Fault
from kiro_trio.conversation.reply import ReplyEvent, TextDelta
from kiro_trio.credentials.calls import SmallResponse
from kiro_trio.credentials.credential import Lease
from kiro_trio.gateway.live import LiveRequest, Phase
from kiro_trio.gateway.metrics import Metrics
from kiro_trio.gateway.watching import CountedCalls, WatchedAttempts, WatchedLeases, purpose_of
from kiro_trio.kiro.endpoint import (
    PRESETS,
    Call,
    Caller,
    models_call,
    oidc_token_call,
    social_refresh_call,
    usage_call,
)

LEASE = Lease(7, "token", False, "us-east-1", "us-east-1", "ide", None, "machine", None)  # noqa: FBT003


def request() -> LiveRequest:
    return LiveRequest("req_1", 0.0, "default", "m", stream=True)


async def test_an_attempt_is_seen_from_its_start_to_its_end(autojump_clock) -> None:
    entry, metrics, heard = request(), Metrics(), []
    phases = []

    async def attempt(_request, _lease, deliver, patience) -> Ended:
        assert patience == 9.0
        phases.append(entry.phase)
        await trio.sleep(3)
        await deliver([TextDelta("a")])
        phases.append(entry.phase)
        await trio.sleep(1)
        await deliver([TextDelta("b"), TextDelta("c")])
        return Ended(Failure(Fault.TRUNCATED_STREAM))

    async def deliver(events: Sequence[ReplyEvent]) -> None:
        await trio.sleep(50)  # a slow client is not Kiro's silence
        heard.extend(events)

    ended = await WatchedAttempts(attempt, entry, metrics)(None, LEASE, deliver, 9.0)
    assert ended.failure.fault is Fault.TRUNCATED_STREAM
    assert [event.text for event in heard] == ["a", "b", "c"]
    (seen,) = entry.attempts
    assert (seen.credential_id, seen.batches, seen.fault) == (7, 2, Fault.TRUNCATED_STREAM)
    assert (seen.first - seen.started, seen.ended - seen.started) == pytest.approx((3, 104))
    assert phases == [Phase.ASKED, Phase.ANSWERING]
    assert entry.phase is Phase.BETWEEN
    page = metrics.page().decode()
    assert "kiro_trio_first_byte_seconds_sum 3.0" in page
    assert "kiro_trio_event_gap_seconds_sum 1.0" in page


async def test_a_cancelled_attempt_is_the_clients_leaving(autojump_clock) -> None:
    entry = request()

    async def attempt(*_) -> Ended:
        await trio.sleep_forever()

    with trio.move_on_after(2):
        await WatchedAttempts(attempt, entry, Metrics())(None, LEASE, None, 1.0)
    assert entry.attempts[0].fault is Fault.CLIENT_GONE
    assert entry.attempts[0].ended is not None


async def test_leases_pass_through_and_the_wait_is_seen() -> None:
    entry, seen = request(), []

    class Leases:
        async def lease(self, **wish):
            seen.append((entry.phase, wish))
            return LEASE

        async def renew(self, lease):
            seen.append((entry.phase, lease))
            return LEASE

        def rebind(self, lease):
            return None

        def settle(self, *report):
            seen.append(report)

        def outlook(self, model_id):
            return 3.0

    watched = WatchedLeases(Leases(), entry)
    assert await watched.lease(model_id="m", session="s", avoid={1}) is LEASE
    assert await watched.renew(LEASE) is LEASE
    assert watched.rebind(LEASE) is None
    watched.settle(LEASE, None, "penalty")
    assert watched.outlook("m") == 3.0
    assert seen == [
        (Phase.WAITING, {"model_id": "m", "session": "s", "avoid": frozenset({1})}),
        (Phase.RENEWING, LEASE),
        (LEASE, None, "penalty"),
    ]
    assert entry.phase is Phase.BETWEEN


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_every_small_call_has_a_purpose(preset) -> None:
    caller = Caller("us-east-1", "us-east-1", "token")
    calls = {
        "renewal": [social_refresh_call(preset, caller, "i"), oidc_token_call(preset, caller, "i")],
        "usage": [usage_call(preset, caller, "i")],
        "models": [models_call(preset, caller, "i")],
    }
    assert {purpose: {purpose_of(call) for call in found} for purpose, found in calls.items()} == {
        purpose: {purpose} for purpose in calls
    }
    assert purpose_of(Call("GET", "https://x.example/else?token", ())) == "other"


async def test_small_calls_are_counted_with_what_was_answered() -> None:
    answers = [SmallResponse(200, {}, b""), SmallResponse(429, {}, b""), Failure(Fault.PROXY_FAILED)]
    noted = []

    class Calls:
        async def send(self, _call, _proxy):
            return answers[len(noted)]

    counted = CountedCalls(Calls(), lambda *row: noted.append(row))
    call = Call("POST", "https://x.example/refreshToken", ())
    assert [await counted.send(call, None) for _ in answers] == answers
    assert noted == [("renewal", "2xx"), ("renewal", "4xx"), ("renewal", "proxy_failed")]


def test_unknown_names_are_counted_by_shape_and_within_bounds() -> None:
    metrics = Metrics()
    metrics.note_unknown({'strange"name\n': 2, "x" * 500: 1})
    for number in range(500):
        metrics.note_unknown({f"name{number}": 1})
    assert metrics.unknown_seen["strange?name?"] == 2
    assert len(metrics.unknown_seen) == 101
    assert metrics.unknown_seen["other"] == 402
    assert max(map(len, metrics.unknown_seen)) == 80
