import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.account import Account
from kiro_trio.credentials.consequences import Blow, bear, delay_renewal
from kiro_trio.credentials.credential import AccountKind, ArnMode
from kiro_trio.credentials.record import Out, Record
from kiro_trio.credentials.standing import (
    COOL_DOWN,
    RECOVERIES,
    STRIKES,
    Growth,
    Penalty,
    Standing,
    next_midnight,
    next_month,
)
from tests.credentials.entries import NOW, credential, refresh_token

DAY = 86_400.0
MIDNIGHT = 1_790_035_200.0  # 2026-09-22T00:00:00Z
OCTOBER = 1_790_812_800.0  # 2026-10-01T00:00:00Z


def account(**keys):
    return Account(credential(**keys), 4)


def hit(of, penalty, now=NOW, *, retry_after=None, reason=None, model_id="m", jitter=0.0):
    failure = Failure(Fault.THROTTLED, retry_after=retry_after, reason=reason)
    bear(of, penalty, Blow(failure, now, jitter, model_id))


@pytest.mark.parametrize(
    ("penalty", "times", "standing", "until"),
    [
        (Penalty.NONE, 9, Standing.READY, None),
        (Penalty.MODEL_BUSY, 9, Standing.READY, None),
        (Penalty.MODEL_REFUSED, 9, Standing.READY, None),
        (Penalty.STRIKE, 2, Standing.READY, None),
        (Penalty.STRIKE, 3, Standing.STRUCK_OUT, NOW + 60),
        (Penalty.STRIKE, 9, Standing.STRUCK_OUT, NOW + 60),
        (Penalty.COOL_DOWN, 1, Standing.COOLING, NOW + 2),
        (Penalty.COOL_DOWN, 9, Standing.COOLING, NOW + 2),
        (Penalty.RENEWAL_STRIKE, 3, Standing.RENEWAL_STRUCK_OUT, NOW + 600),
        (Penalty.SPENT_TODAY, 1, Standing.SPENT_TODAY, MIDNIGHT),
        (Penalty.SPENT_THIS_MONTH, 1, Standing.SPENT_THIS_MONTH, OCTOBER),
        (Penalty.SUSPENDED, 1, Standing.SUSPENDED, None),
        (Penalty.REVOKED, 1, Standing.REVOKED, None),
    ],
)
def test_what_each_penalty_does(penalty, times, standing, until):
    one = account()
    for _ in range(times):
        hit(one, penalty)
    assert one.stands(NOW) == (standing, until)


@pytest.mark.parametrize("penalty", [Penalty.COOL_DOWN, Penalty.SPENT_TODAY])
def test_kiro_says_how_long(penalty):
    one = account()
    hit(one, penalty, retry_after=77.0, jitter=1.0)
    assert one.stands(NOW)[1] == NOW + 77
    hit(one, penalty, retry_after=5.0)  # a shorter one does not shorten it
    assert one.stands(NOW)[1] == NOW + 77
    hit(one, penalty, retry_after=1e12)  # and a mad one is not believed
    assert one.stands(NOW)[1] == NOW + DAY


@pytest.mark.parametrize("retry_after", [0.0, -5.0])
def test_no_time_at_all_is_no_answer(retry_after):
    one = account()
    hit(one, Penalty.COOL_DOWN, retry_after=retry_after)
    assert one.stands(NOW)[1] == NOW + 2


def test_pauses_grow_until_a_success():
    one, now, pauses = account(), NOW, []
    for _ in range(10):
        hit(one, Penalty.COOL_DOWN, now)
        pauses.append(one.stands(now)[1] - now)
        now += pauses[-1]
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    one.succeed(now)
    hit(one, Penalty.COOL_DOWN, now)
    assert one.stands(now)[1] - now == 2


def test_pauses_begin_small_again_after_a_quiet_while():
    one = account()
    hit(one, Penalty.COOL_DOWN)
    hit(one, Penalty.COOL_DOWN, NOW + 2)
    hit(one, Penalty.COOL_DOWN, NOW + 600)
    assert one.stands(NOW + 600)[1] == NOW + 608
    hit(one, Penalty.COOL_DOWN, NOW + 1209)
    assert one.stands(NOW + 1209)[1] == NOW + 1211


@given(st.integers(0, 5000), st.floats(0, 1))
def test_a_pause_is_bounded_and_jitter_only_prolongs_it(times, jitter):
    pause = COOL_DOWN.pause(times, jitter)
    assert COOL_DOWN.pause(times, 0.0) <= pause <= COOL_DOWN.cap * 1.25
    assert Growth(1.0, 8.0).pause(3, 0.0) == 4.0


def test_a_success_forgives_strikes_but_neither_a_pause_nor_a_spent_month():
    one = account()
    hit(one, Penalty.STRIKE)
    hit(one, Penalty.STRIKE)
    one.succeed(NOW)
    hit(one, Penalty.STRIKE)
    assert one.stands(NOW)[0] is Standing.READY
    for penalty, standing in (
        (Penalty.COOL_DOWN, Standing.COOLING),
        (Penalty.SPENT_THIS_MONTH, Standing.SPENT_THIS_MONTH),
        (Penalty.SUSPENDED, Standing.SUSPENDED),
    ):
        hit(one, penalty)
        one.succeed(NOW)
        assert one.stands(NOW)[0] is standing


def test_a_success_brings_back_who_was_struck_out():
    one = account()
    for _ in range(STRIKES):
        hit(one, Penalty.STRIKE)
    one.succeed(NOW + 1)
    assert one.stands(NOW + 1) == (Standing.READY, None)


def test_a_dead_account_is_tried_less_and_less_and_then_no_more():
    one, now, outs = account(), NOW, []
    for _ in range(20):
        refusals = 0
        while one.stands(now)[0] is Standing.READY:
            hit(one, Penalty.STRIKE, now)
            refusals += 1
        until = one.stands(now)[1]
        outs.append((refusals, until and until - now))
        if until is None:
            break
        now = until
    assert outs == [(3, 60), (1, 600), (1, 3600), (1, None)]
    assert one.stands(now + 400 * DAY) == (Standing.STRUCK_OUT, None)
    one.reset()
    assert one.stands(now) == (Standing.READY, None)


def test_standings_stand_side_by_side():
    one = account()
    hit(one, Penalty.COOL_DOWN, retry_after=5000)
    for _ in range(STRIKES):
        hit(one, Penalty.STRIKE)
    assert one.stands(NOW) == (Standing.STRUCK_OUT, NOW + 5000)
    assert one.stands(NOW + 60) == (Standing.COOLING, NOW + 5000)
    hit(one, Penalty.SPENT_THIS_MONTH, reason="MONTHLY_REQUEST_COUNT")
    assert one.stands(NOW) == (Standing.SPENT_THIS_MONTH, OCTOBER)
    assert one.reason(Standing.SPENT_THIS_MONTH) == "MONTHLY_REQUEST_COUNT"
    hit(one, Penalty.SUSPENDED)
    hit(one, Penalty.COOL_DOWN)
    assert one.stands(NOW) == (Standing.SUSPENDED, None)
    assert one.stands(OCTOBER) == (Standing.SUSPENDED, None)


def test_the_month_ends_when_kiro_says():
    one = account()
    one.learn_reset(NOW + 5 * DAY, NOW)
    hit(one, Penalty.SPENT_THIS_MONTH)
    assert one.stands(NOW)[1] == NOW + 5 * DAY
    other = account()
    hit(other, Penalty.SPENT_THIS_MONTH)
    other.learn_reset(NOW + 3 * DAY, NOW)
    assert other.stands(NOW)[1] == NOW + 3 * DAY
    assert other.stands(NOW + 3 * DAY) == (Standing.READY, None)
    other.learn_reset(NOW, NOW + 3 * DAY)  # a moment that is over tells nothing
    hit(other, Penalty.SPENT_THIS_MONTH, NOW + 4 * DAY)
    assert other.stands(NOW + 4 * DAY)[1] == OCTOBER


@given(st.floats(0, 4e9))
def test_midnight_and_the_first_of_the_month_lie_ahead(now):
    assert now < next_midnight(now) <= now + DAY
    assert now < next_month(now) <= now + 31 * DAY
    assert next_midnight(now) % DAY == next_month(now) % DAY == 0


def test_models_that_an_account_cannot_serve():
    free = account(subscriptionTitle="Kiro Free")
    assert not free.serves("claude-opus-4.6", NOW)
    assert free.serves("claude-sonnet-4.5", NOW)
    assert account().serves("claude-opus-4.6", NOW)
    one = account(subscriptionTitle="KIRO PRO")
    hit(one, Penalty.MODEL_REFUSED, model_id="claude-opus-5")
    assert not one.serves("claude-opus-5", NOW + 3599)
    assert one.serves("claude-opus-5", NOW + 3600)
    assert one.serves("claude-sonnet-4.5", NOW)
    one.succeed(NOW, "claude-opus-5")
    assert one.serves("claude-opus-5", NOW)
    for number in range(1000):
        hit(one, Penalty.MODEL_REFUSED, model_id=f"made-up-{number}")
    assert len(one.refused) < 100


def test_a_renewal_that_fails_delays_only_who_needs_it():
    fresh, expired = account(), Account(credential(expiresAt=NOW), 4)
    for one in (fresh, expired):
        delay_renewal(one, Blow(Failure(Fault.RENEWAL_FAILED), NOW, 0.0))
    assert fresh.stands(NOW) == (Standing.READY, None)
    assert expired.stands(NOW) == (Standing.RENEWAL_DELAYED, NOW + 2)
    assert expired.stands(NOW + 2) == (Standing.READY, None)
    delay_renewal(expired, Blow(Failure(Fault.RENEWAL_FAILED), NOW + 2, 0.0))
    assert expired.stands(NOW + 2) == (Standing.RENEWAL_DELAYED, NOW + 6)
    delay_renewal(expired, Blow(Failure(Fault.RENEWAL_FAILED, retry_after=30), NOW + 2, 0.0))
    assert expired.stands(NOW + 2)[1] == NOW + 32
    expired.renewed(NOW + 3)
    assert expired.stands(NOW + 3) == (Standing.READY, None)


def test_a_renewal_mends_what_renewals_broke_and_nothing_else():
    for penalty, mended in (
        (Penalty.RENEWAL_STRIKE, True),
        (Penalty.REVOKED, True),
        (Penalty.STRIKE, False),
        (Penalty.SUSPENDED, False),
    ):
        one = account()
        for _ in range(STRIKES):
            hit(one, penalty)
        one.renewed(NOW)
        assert (one.stands(NOW)[0] is Standing.READY) == mended


def test_the_owners_word_masks_the_rest():
    one = account(disabled=True)
    hit(one, Penalty.SUSPENDED)
    assert one.stands(NOW) == (Standing.DISABLED, None)
    one.credential = credential()
    assert one.stands(NOW) == (Standing.SUSPENDED, None)
    one.credential = credential(region="?")
    assert one.stands(NOW) == (Standing.MISCONFIGURED, None)


@given(
    st.lists(st.tuples(st.sampled_from(Penalty), st.floats(0, 1e6))),
    st.sampled_from([None, *AccountKind]),
    st.sampled_from([None, *ArnMode]),
)
def test_a_memory_survives_being_written_down(blows, kind, mode):
    one = account()
    one.kind, one.arn_mode = kind, mode
    for penalty, after in blows:
        hit(one, penalty, NOW + after)
    other = account()
    other.recall(one.record())
    assert other.record() == one.record()
    assert other.stands(NOW) == (one.stands(NOW) if not one.renew_after else other.stands(NOW))


def test_a_memory_of_a_newer_version_is_read_as_far_as_it_goes():
    one = account()
    one.recall(Record(outs={"ENLIGHTENED": Out(NOW)}, kind="DEITY", arn_mode="BOTH", successes=3))
    assert (one.stands(NOW), one.kind, one.arn_mode, one.successes) == ((Standing.READY, None), None, None, 3)


def test_what_happened_since_a_snapshot_is_kept():
    one = account()
    hit(one, Penalty.COOL_DOWN, retry_after=60)
    snapshot = one.record()
    merged = structs.replace(snapshot, outs={"SUSPENDED": Out(NOW)}, successes=10, arn_mode="WITHOUT")
    one.succeed(NOW)
    hit(one, Penalty.SPENT_THIS_MONTH)
    one.absorb(snapshot, merged)
    assert set(one.outs) == {Standing.SUSPENDED, Standing.SPENT_THIS_MONTH}
    assert (one.successes, one.arn_mode) == (11, ArnMode.WITHOUT)


def test_every_standing_has_its_recovery_and_every_penalty_its_consequence():
    assert set(RECOVERIES) == set(Standing)
    assert len({recovery.severity for recovery in RECOVERIES.values()}) == len(Standing)
    for penalty in Penalty:
        one = account()
        for _ in range(STRIKES):
            hit(one, penalty)
        for standing, out in one.outs.items():
            assert RECOVERIES[standing].by_time == (out.until is not None)


@pytest.mark.parametrize("ahead", [3600.0, 4 * 365 * DAY])
def test_a_clock_that_was_ahead_and_is_set_right_leaves_nobody_out_for_years(ahead):
    one = account()
    hit(one, Penalty.COOL_DOWN, NOW + ahead, retry_after=50)
    hit(one, Penalty.MODEL_REFUSED, NOW + ahead, model_id="gpt-9")
    delay_renewal(one, Blow(Failure(Fault.RENEWAL_FAILED), NOW + ahead, 0.0))
    assert one.stands(NOW) == (Standing.COOLING, NOW + 50)
    assert one.stands(NOW + 49)[0] is Standing.COOLING
    assert one.stands(NOW + 51) == (Standing.READY, None)
    if ahead > 2 * DAY:
        assert one.serves("gpt-9", NOW)
        assert not one.delayed(NOW)


def test_a_suspension_does_not_end_because_a_clock_was_ahead():
    one = account()
    hit(one, Penalty.SUSPENDED, NOW + DAY)
    assert one.stands(NOW) == (Standing.SUSPENDED, None)


def test_revoked_is_the_token_and_not_the_account():
    one = account()
    hit(one, Penalty.REVOKED)
    remembered = one.record()
    again = account()
    again.recall(remembered)
    assert again.stands(NOW)[0] is Standing.REVOKED
    renewed = credential(refreshToken=refresh_token("b"))
    again.take(renewed)
    assert again.stands(NOW)[0] is Standing.READY
    # and what another process remembers of the token that is gone does not come back
    again.absorb(again.record(), structs.replace(again.record(), outs=remembered.outs))
    assert again.stands(NOW)[0] is Standing.READY
    again.absorb(again.record(), structs.replace(again.record(), outs={"SUSPENDED": Out(NOW)}))
    assert again.stands(NOW)[0] is Standing.SUSPENDED
