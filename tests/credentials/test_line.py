from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.line import Line
from kiro_trio.credentials.roster import Drought, Penalty, Roster, Wish
from tests.credentials.entries import NOW, credential


def roster_of(count, concurrency=1):
    roster = Roster("balanced", concurrency=concurrency)
    roster.muster(credential(number) for number in range(1, count + 1))
    return roster


def cool(roster, number, seconds):
    failure = Failure(Fault.THROTTLED, retry_after=seconds)
    roster.report(number, failure, Penalty.COOL_DOWN, model_id="m", now=NOW, jitter=0)


@given(st.integers(1, 3), st.integers(1, 12))
def test_first_come_first_served(accounts, requests):
    roster, line = roster_of(accounts), Line(patience=8)
    tickets = [line.join(Wish("m"), NOW) for _ in range(requests)]
    served = []
    while line:
        answers = line.call(roster, NOW)
        assert 0 < len(answers) <= accounts
        served += [ticket for ticket, _ in answers]
        for _, number in answers:
            roster.release(number)
    assert served == tickets


def test_who_wants_what_is_missing_holds_nobody_up():
    roster, line = roster_of(2), Line(patience=8)
    cool(roster, 1, 5)
    waits = line.join(Wish("m", avoid=frozenset({2})), NOW)
    goes = line.join(Wish("m"), NOW)
    assert line.call(roster, NOW) == [(goes, 2)]
    assert (line.next_look, len(line)) == (NOW + 5, 1)
    assert line.call(roster, NOW + 5) == [(waits, 1)]
    assert (line.next_look, len(line)) == (None, 0)


def test_a_long_drought_is_told_at_once_and_a_short_one_waited_for():
    roster, line = roster_of(1), Line(patience=8)
    cool(roster, 1, 9)
    told = line.join(Wish("m"), NOW)
    [(ticket, drought)] = line.call(roster, NOW)
    assert (ticket, drought.until) == (told, NOW + 9)
    waits = line.join(Wish("m"), NOW + 1)
    assert line.call(roster, NOW + 1) == []
    cool(roster, 1, 60)  # it became worse meanwhile
    [(ticket, drought)] = line.call(roster, NOW + 2)
    assert (ticket, isinstance(drought, Drought)) == (waits, True)


def test_who_leaves_is_not_served():
    roster, line = roster_of(1), Line(patience=8)
    first, second = line.join(Wish("m"), NOW), line.join(Wish("m"), NOW)
    line.leave(first)
    line.leave(first)
    assert line.call(roster, NOW) == [(second, 1)]
