import copy
from dataclasses import replace
from math import inf

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.record import Out, Record
from kiro_trio.credentials.roster import ORDERS, Crowd, Drought, Penalty, Roster, Standing, Wish
from kiro_trio.credentials.standing import next_midnight, next_month
from tests.credentials.entries import NOW, credential

MODELS = ["claude-sonnet-4.5", "claude-opus-4.6"]
LIMIT = 3
# The other penalties have tests of their own.
PENALTIES = st.sampled_from(
    [
        Penalty.NONE,
        Penalty.STRIKE,
        Penalty.STRIKE,
        Penalty.COOL_DOWN,
        Penalty.COOL_DOWN,
        Penalty.COOL_DOWN,
        Penalty.SPENT_TODAY,
        Penalty.SPENT_THIS_MONTH,
        Penalty.SUSPENDED,
        Penalty.REVOKED,
    ]
)
ASKED = st.sampled_from([None, 1.0, 40.0, 5000.0])
# Mostly the same account: what matters happens when one thing follows another.
WHICH = st.sampled_from([0, 0, 0, 1, 2, 3])


def roster_of(*credentials, order="balanced", concurrency=LIMIT):
    roster = Roster(order, concurrency=concurrency)
    roster.muster(credentials)
    return roster


def report(roster, number, penalty, now=NOW, *, model_id=MODELS[0], retry_after=None, jitter=0.0):
    failure = Failure(Fault.THROTTLED, retry_after=retry_after)
    roster.report(number, failure, penalty, model_id=model_id, now=now, jitter=jitter)


def clone(roster):
    """A copy to try things with; what never changes is shared."""
    return copy.deepcopy(roster, {id(account.credential): account.credential for account in roster})


class Expected:
    """What must hold for an account, worked out on its own: it is surely out before `out`, and back from `back` on."""

    def __init__(self):
        self.forget()

    def forget(self):
        self.bans = {}
        self.strikes = {Penalty.STRIKE: 0, Penalty.RENEWAL_STRIKE: 0}
        self.rounds = 0

    def ban(self, why, out, back):
        old = self.bans.get(why, (0.0, 0.0))
        self.bans[why] = (max(out, old[0]), max(back, old[1]))

    def surely_out(self, now):
        return any(now < out for out, _ in self.bans.values())

    def surely_back(self, now):
        return all(back <= now for _, back in self.bans.values())


class RosterUnderTime(RuleBasedStateMachine):
    """A roster in virtual time: who is out is never picked, and time heals what it should and nothing else."""

    @initialize(
        order=st.sampled_from(sorted(ORDERS)),
        plans=st.lists(st.sampled_from(["", "KIRO FREE", "KIRO PRO"]), min_size=1, max_size=3),
    )
    def begin(self, order, plans):
        self.now, self.order = NOW, order
        self.credentials = {
            number: credential(number, subscriptionTitle=plan, priority=number % 2, lifetime=1e9)
            for number, plan in enumerate(plans, 1)
        }
        self.roster = roster_of(*self.credentials.values(), order=order)
        self.expected = {number: Expected() for number in self.credentials}
        self.in_flight = dict.fromkeys(self.credentials, 0)
        self.leases = []

    def could(self, wish):
        """Who has the model, is not to be avoided, and is switched on."""
        return [
            number
            for number, one in self.credentials.items()
            if number not in wish.avoid
            and not one.disabled
            and not ("FREE" in one.subscription_title and "opus" in wish.model_id)
        ]

    @rule(
        model=st.sampled_from(MODELS),
        session=st.sampled_from(["", "", "s1", "s2"]),
        avoid=st.frozensets(st.integers(1, 4), max_size=2),
    )
    def pick(self, model, session, avoid):
        wish = Wish(model, session, avoid)
        answer = self.checked_pick(self.roster, wish)
        if isinstance(answer, int):
            self.in_flight[answer] += 1
            self.leases.append((answer, model))

    def checked_pick(self, roster, wish):
        answer = roster.pick(wish, self.now)
        could = self.could(wish)
        ready = [number for number in could if self.expected[number].surely_back(self.now)]
        if isinstance(answer, int):
            assert answer in could
            assert not self.expected[answer].surely_out(self.now)
            assert self.in_flight[answer] < LIMIT
            if self.order == "balanced" and not wish.session:
                assert all(self.in_flight[answer] <= self.in_flight[number] for number in ready)
            return answer
        assert all(self.in_flight[number] == LIMIT for number in ready)
        if isinstance(answer, Drought):
            assert not ready
            self.check_drought(clone(roster), answer, wish)
        return answer

    def check_drought(self, roster, drought, wish):
        if drought.until is None:
            assert isinstance(roster.pick(wish, self.now + 1e9), Drought)
            return
        assert drought.until > self.now
        assert isinstance(clone(roster).pick(wish, drought.until - 1e-3), Drought)
        if self.could(wish):
            assert not isinstance(roster.pick(wish, drought.until), Drought)

    @precondition(lambda self: self.leases)
    @rule(which=st.integers(0, 20))
    def whole_reply(self, which):
        number, model = self.leases.pop(which % len(self.leases))
        # A penalty that is left over from an earlier try means nothing.
        self.roster.report(number, None, Penalty.STRIKE, model_id=model, now=self.now, jitter=0.5)
        self.roster.release(number)
        self.in_flight[number] -= 1
        expected = self.expected[number]
        expected.strikes = dict.fromkeys(expected.strikes, 0)
        expected.bans.pop("struck out", None)
        expected.rounds = 0

    @precondition(lambda self: self.leases)
    @rule(which=st.integers(0, 20))
    def request_vanishes(self, which):
        number, _ = self.leases.pop(which % len(self.leases))
        self.roster.release(number)
        self.in_flight[number] -= 1

    @rule(which=WHICH, penalty=PENALTIES, asked=ASKED, times=st.integers(1, 4))
    def failures(self, which, penalty, asked, times):
        for _ in range(times):
            self.suffer(sorted(self.credentials)[which % len(self.credentials)], penalty, asked)

    def suffer(self, number, penalty, asked):
        report(self.roster, number, penalty, self.now, retry_after=asked, jitter=0.5)
        expected, now = self.expected[number], self.now
        match penalty:
            case Penalty.SUSPENDED | Penalty.REVOKED:
                expected.ban("for good", inf, inf)
            case Penalty.SPENT_THIS_MONTH:
                expected.ban("month", next_month(now), next_month(now))
            case Penalty.SPENT_TODAY:
                until = now + asked if asked else next_midnight(now)
                expected.ban("day", until, until)
            case Penalty.COOL_DOWN:
                expected.ban("pause", now + (asked or 0.0), now + (asked or 375.0))
            case Penalty.STRIKE:
                self.strike(expected)

    def strike(self, expected):
        now = self.now
        out, back = expected.bans.get("struck out", (0.0, 0.0))
        if back and back <= now:
            del expected.bans["struck out"]
            expected.strikes[Penalty.STRIKE] = 2
        expected.strikes[Penalty.STRIKE] += 1
        if expected.strikes[Penalty.STRIKE] >= 3 and not (out and now < out):
            pause = [60.0, 600.0, 3600.0, inf][min(expected.rounds, 3)]
            expected.ban("struck out", now + pause, now + pause)
            expected.rounds += 1

    @rule(seconds=st.sampled_from([0.5, 5.0, 61.0, 61.0, 601.0, 601.0, 3601.0, 86_400.0, 32 * 86_400.0]))
    def time_passes(self, seconds):
        self.now += seconds

    @rule(which=WHICH, does=st.sampled_from(["reset", "switch off", "switch on", "switch on"]))
    def owner(self, which, does):
        number = sorted(self.credentials)[which % len(self.credentials)]
        if does == "reset":
            self.roster.get(number).reset()
            self.expected[number].forget()
        else:
            self.credentials[number] = replace(self.credentials[number], disabled=does == "switch off")
            self.roster.muster(self.credentials.values())

    @rule()
    def restart(self):
        records = {account.id: account.record() for account in self.roster}
        in_flight = {account.id: account.in_flight for account in self.roster}
        self.roster = Roster(self.order, concurrency=LIMIT)
        self.roster.muster(self.credentials.values(), records)
        for account in self.roster:
            account.in_flight = in_flight[account.id]

    @invariant()
    def everybody_would_be_served_rightly(self):
        if hasattr(self, "roster"):
            self.checked_pick(clone(self.roster), Wish(MODELS[0]))

    @invariant()
    def standings_are_as_expected(self):
        for account in self.roster if hasattr(self, "roster") else ():
            assert account.in_flight == self.in_flight[account.id]
            standing, until = account.stands(self.now)
            assert until is None or until > self.now
            if not account.credential.disabled:
                assert (standing is Standing.READY) >= self.expected[account.id].surely_back(self.now)
                assert (standing is Standing.READY) <= (not self.expected[account.id].surely_out(self.now))


RosterUnderTime.TestCase.settings = settings(max_examples=120, stateful_step_count=25, deadline=None)
TestRosterUnderTime = RosterUnderTime.TestCase


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
