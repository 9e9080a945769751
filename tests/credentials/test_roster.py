import pytest

from kiro_trio.credentials.record import Out, Record
from kiro_trio.credentials.roster import ORDERS, Crowd, Drought, Penalty, Standing, Wish
from tests.credentials.entries import NOW, credential
from tests.credentials.rosters import MODELS, report, roster_of


def test_balanced_is_even_to_one_request():
    roster = roster_of(*(credential(number) for number in range(1, 6)), concurrency=100)
    counts = dict.fromkeys(range(1, 6), 0)
    for count in range(1, 101):
        counts[roster.pick(Wish("m"), NOW)] += 1
        assert max(counts.values()) - min(counts.values()) <= 1
        assert sum(counts.values()) == count


def test_a_new_account_is_not_flooded():
    roster = roster_of(credential(1), concurrency=100)
    for _ in range(50):
        roster.release(roster.pick(Wish("m"), NOW))
        roster.report(1, None, Penalty.NONE, model_id="m", now=NOW, jitter=0)
    roster.muster([credential(1), credential(2)])
    picks = []
    for _ in range(10):
        picks.append(roster.pick(Wish("m"), NOW))
        roster.release(picks[-1])
    assert picks.count(2) == 5


def test_priority_takes_the_lowest_number_until_it_is_full():
    roster = roster_of(credential(1, priority=5), credential(2), credential(3), order="priority")
    assert [roster.pick(Wish("m"), NOW) for _ in range(9)] == [2] * 3 + [3] * 3 + [1] * 3
    assert roster.pick(Wish("m"), NOW) == Crowd()
    report(roster, 2, Penalty.COOL_DOWN)
    roster.release(2)
    assert roster.pick(Wish("m"), NOW) == Crowd()
    assert roster.pick(Wish("m"), NOW + 2) == 2  # a recovered better one is taken back


def test_a_credential_may_have_a_limit_of_its_own():
    roster = roster_of(credential(1, concurrency=1), concurrency=100)
    assert (roster.pick(Wish("m"), NOW), roster.pick(Wish("m"), NOW)) == (1, Crowd())


def test_a_session_stays_with_its_account_as_long_as_that_is_well():
    roster = roster_of(credential(1), credential(2), credential(3))
    first = roster.pick(Wish("m", "s"), NOW)
    for _ in range(2):
        assert roster.pick(Wish("m", "s"), NOW) == first
    second = roster.pick(Wish("m", "s"), NOW)  # full
    assert second != first
    for number in (first, first, first, second):
        roster.release(number)
    assert roster.pick(Wish("m", "s"), NOW) == second  # where its prompt was cached last
    report(roster, second, Penalty.COOL_DOWN)
    third = roster.pick(Wish("m", "s"), NOW)
    assert third != second
    assert roster.pick(Wish("m", "s", frozenset({third})), NOW) != third


def test_a_model_without_capacity_rests_for_all_and_burns_nobody():
    roster = roster_of(credential(1), credential(2))
    report(roster, 1, Penalty.MODEL_BUSY)
    report(roster, 2, Penalty.MODEL_BUSY)
    assert roster.pick(Wish(MODELS[0]), NOW) == Crowd(NOW + 0.5)
    assert isinstance(roster.pick(Wish(MODELS[1]), NOW), int)
    assert roster.available(NOW) == 2
    report(roster, 1, Penalty.MODEL_BUSY, NOW + 1)
    assert roster.pick(Wish(MODELS[0]), NOW + 1) == Crowd(NOW + 2)
    roster.report(1, None, Penalty.NONE, model_id=MODELS[0], now=NOW + 1, jitter=0)
    assert isinstance(roster.pick(Wish(MODELS[0]), NOW + 1), int)


def test_droughts_say_why_and_until_when():
    assert roster_of().pick(Wish("m"), NOW) == Drought(None, "there is no account")
    roster = roster_of(credential(1), credential(2), credential(3, subscriptionTitle="FREE"))
    report(roster, 1, Penalty.SPENT_THIS_MONTH)
    report(roster, 2, Penalty.COOL_DOWN, retry_after=30)
    drought = roster.pick(Wish("claude-opus-5"), NOW)
    assert (drought.until, drought.standing, drought.no_model) == (NOW + 30, Standing.COOLING, False)
    assert "1 has spent its credits of the month" in drought.detail
    assert "1 was asked to slow down" in drought.detail
    assert roster.pick(Wish("m"), NOW) == 3


def test_a_model_that_nobody_has_is_named():
    roster = roster_of(credential(1), credential(2, subscriptionTitle="FREE"))
    report(roster, 1, Penalty.MODEL_REFUSED, model_id="claude-opus-5")
    drought = roster.pick(Wish("claude-opus-5"), NOW)
    assert drought.no_model
    assert "claude-opus-5" in drought.detail


def test_with_all_avoided_the_drought_is_theirs():
    roster = roster_of(credential(1), credential(2))
    report(roster, 1, Penalty.COOL_DOWN, retry_after=30)
    drought = roster.pick(Wish("m", avoid=frozenset({1, 2})), NOW)
    assert drought.until == NOW + 30


def test_the_outlook_is_that_of_the_account_that_is_back_first():
    roster = roster_of(credential(1), credential(2), credential(3, subscriptionTitle="FREE"))
    assert roster.outlook("claude-opus-5", NOW) == 0.0
    report(roster, 1, Penalty.COOL_DOWN, retry_after=300)
    assert roster.outlook("claude-opus-5", NOW) == 0.0
    report(roster, 2, Penalty.COOL_DOWN, retry_after=30)
    assert roster.outlook("claude-opus-5", NOW) == 30.0
    assert roster.outlook("m", NOW) == 0.0
    report(roster, 3, Penalty.SUSPENDED)
    assert roster.outlook("m", NOW + 10) == 20.0
    assert roster_of().outlook("m", NOW) is None


def test_who_joins_brings_a_record_and_who_left_is_not_missed():
    roster = roster_of(credential(1))
    roster.muster([credential(1), credential(2)], {2: Record(outs={"SUSPENDED": Out(NOW)}, successes=4)})
    assert roster.get(2).stands(NOW) == (Standing.SUSPENDED, None)
    number = roster.pick(Wish("m"), NOW)
    roster.muster([credential(2)])
    report(roster, number, Penalty.SUSPENDED)
    roster.release(number)
    assert roster.get(number) is None


@pytest.mark.parametrize("order", sorted(ORDERS))
def test_the_order_can_be_changed(order):
    roster = roster_of(credential(1), credential(2), order="priority")
    roster.set_order(order)
    picks = {roster.pick(Wish("m"), NOW) for _ in range(2)}
    assert picks == ({1} if order == "priority" else {1, 2})
