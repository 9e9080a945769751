"""Who is out is never picked, who is ready is not passed over, and time heals what it should and nothing else.

A roster in virtual time: requests, failures of every kind, restarts, and an owner who switches accounts on and off. What must
hold is worked out a second time, on its own (`Expected`).
"""

import copy
from dataclasses import replace
from math import inf

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kiro_trio.credentials.roster import ORDERS, Drought, Penalty, Roster, Standing, Wish
from kiro_trio.credentials.standing import next_midnight, next_month
from tests.credentials.entries import NOW, credential
from tests.credentials.rosters import LIMIT, MODELS, report, roster_of

BOUNDED = 120

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


MACHINE = RosterUnderTime
