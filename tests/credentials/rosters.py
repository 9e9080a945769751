"""Rosters in few words."""

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.roster import Roster
from tests.credentials.entries import NOW

MODELS = ["claude-sonnet-4.5", "claude-opus-4.6"]
LIMIT = 3


def roster_of(*credentials, order="balanced", concurrency=LIMIT):
    roster = Roster(order, concurrency=concurrency)
    roster.muster(credentials)
    return roster


def report(roster, number, penalty, now=NOW, *, model_id=MODELS[0], retry_after=None, jitter=0.0):
    failure = Failure(Fault.THROTTLED, retry_after=retry_after)
    roster.report(number, failure, penalty, model_id=model_id, now=now, jitter=jitter)
