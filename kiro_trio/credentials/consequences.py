"""What an account suffers for a failure, as a table by penalty. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kiro_trio.conversation.faults import Failure
from kiro_trio.credentials.account import Account
from kiro_trio.credentials.standing import (
    COOL_DOWN,
    FORGIVEN_AFTER,
    LONGEST_RETRY_AFTER,
    MODEL_REFUSED_FOR,
    RECOVERIES,
    RENEWAL_DELAY,
    STRIKES,
    Penalty,
    Standing,
    next_midnight,
    next_month,
)

_REFUSED_MODELS = 64


@dataclass(frozen=True, slots=True)
class Blow:
    """What hit an account: the failure, when (epoch seconds), and with which model.

    `jitter` is a random number from 0 to 1.
    """

    failure: Failure
    now: float
    jitter: float
    model_id: str = ""


def bear(account: Account, penalty: Penalty, blow: Blow) -> None:
    """Let the account bear the consequence of `penalty`."""
    account.heal(blow.now)
    _CONSEQUENCES[penalty](account, blow)


def delay_renewal(account: Account, blow: Blow) -> None:
    """A renewal failed in a way that says nothing of the account: no strike, but no hurry either."""
    account.delays += 1
    pause = _asked(blow.failure) or RENEWAL_DELAY.pause(account.delays, blow.jitter)
    account.renew_after = max(account.renew_after, blow.now + pause)


def _put_out(account: Account, standing: Standing, until: float | None, blow: Blow) -> None:
    account.put_out(standing, blow.now, until, blow.failure.reason or blow.failure.fault.name)


def _asked(failure: Failure) -> float | None:
    """For how many seconds Kiro asked us to stay away, within reason; no time at all is no answer."""
    seconds = failure.retry_after or 0.0
    return min(seconds, LONGEST_RETRY_AFTER) if seconds > 0.0 else None


def _nothing(_account: Account, _blow: Blow) -> None:
    pass


def _strike(account: Account, blow: Blow) -> None:
    account.strikes += 1
    if account.strikes >= STRIKES:
        _strike_out(account, Standing.STRUCK_OUT, blow)


def _renewal_strike(account: Account, blow: Blow) -> None:
    account.renewal_strikes += 1
    delay_renewal(account, blow)
    if account.renewal_strikes >= STRIKES:
        _strike_out(account, Standing.RENEWAL_STRUCK_OUT, blow)


def _strike_out(account: Account, standing: Standing, blow: Blow) -> None:
    if standing in account.outs:
        return  # requests that were under way together are one event, not another round
    rounds = RECOVERIES[standing].rounds
    until = (
        blow.now + rounds[account.rounds] if account.rounds < len(rounds) else None
    )  # then only the owner helps
    account.rounds += 1
    _put_out(account, standing, until, blow)


def _cool_down(account: Account, blow: Blow) -> None:
    asked = _asked(blow.failure)
    if Standing.COOLING not in account.outs:
        account.coolings = 1 if blow.now - account.cooled_at > FORGIVEN_AFTER else account.coolings + 1
    elif asked is None:
        return  # the pause that is already running was meant for this request too
    until = blow.now + (asked or COOL_DOWN.pause(account.coolings, blow.jitter))
    account.cooled_at = max(account.cooled_at, until)
    _put_out(account, Standing.COOLING, until, blow)


def _spent_today(account: Account, blow: Blow) -> None:
    asked = _asked(blow.failure)
    until = next_midnight(blow.now) if asked is None else blow.now + asked
    _put_out(account, Standing.SPENT_TODAY, until, blow)


def _spent_this_month(account: Account, blow: Blow) -> None:
    known = account.resets_at
    until = known if known is not None and known > blow.now else next_month(blow.now)
    _put_out(account, Standing.SPENT_THIS_MONTH, until, blow)


def _suspended(account: Account, blow: Blow) -> None:
    _put_out(account, Standing.SUSPENDED, None, blow)


def _revoked(account: Account, blow: Blow) -> None:
    _put_out(account, Standing.REVOKED, None, blow)


def _model_refused(account: Account, blow: Blow) -> None:
    account.refused = {model: until for model, until in account.refused.items() if until > blow.now}
    if len(account.refused) < _REFUSED_MODELS:
        account.refused[blow.model_id] = blow.now + MODEL_REFUSED_FOR


_CONSEQUENCES: Mapping[Penalty, Callable[[Account, Blow], None]] = {
    Penalty.NONE: _nothing,
    Penalty.STRIKE: _strike,
    Penalty.COOL_DOWN: _cool_down,
    Penalty.MODEL_BUSY: _nothing,  # it is the model that needs rest: the roster sees to it
    Penalty.MODEL_REFUSED: _model_refused,
    Penalty.SPENT_TODAY: _spent_today,
    Penalty.SPENT_THIS_MONTH: _spent_this_month,
    Penalty.SUSPENDED: _suspended,
    Penalty.RENEWAL_STRIKE: _renewal_strike,
    Penalty.REVOKED: _revoked,
}
