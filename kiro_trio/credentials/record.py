"""What is remembered of an account over restarts, and how two processes' memories become one. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec


class Record(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """An account's memory. Times are epoch seconds; `standing`, `kind` and `arn_mode` are names of their enums.

    `until` None with a standing that time heals means that it does not, any more. `refused` maps a model's id to when
    the account may be asked for it again.
    """

    standing: str = "READY"
    since: float = 0.0
    until: float | None = None
    reason: str = ""
    strikes: int = 0
    renewal_strikes: int = 0
    rounds: int = 0
    coolings: int = 0
    resets_at: float | None = None
    kind: str = ""
    arn_mode: str = ""
    refused: dict[str, float] = {}
    successes: int = 0
    failures: int = 0
    last_used_at: float | None = None


COUNTERS = ("successes", "failures")
_VERDICT = ("standing", "since", "until", "reason", "strikes", "renewal_strikes", "rounds", "coolings")


def merge_records(base: Record, ours: Record, theirs: Record) -> Record:
    """Make one memory of ours and another process's, both grown out of `base`.

    Counters add up. The verdict (the standing and what led to it) is one piece: ours if it has changed, unless theirs
    has changed too and is younger. Of the rest, what we have changed is ours.
    """
    merged: dict[str, Any] = {}
    for name in Record.__struct_fields__:
        was, mine, other = getattr(base, name), getattr(ours, name), getattr(theirs, name)
        merged[name] = other + mine - was if name in COUNTERS else mine if mine != was else other
    verdict = _younger_verdict(base, ours, theirs)
    merged |= {name: getattr(verdict, name) for name in _VERDICT}
    merged["last_used_at"] = max(ours.last_used_at or 0.0, theirs.last_used_at or 0.0) or None
    merged["refused"] = {**theirs.refused, **ours.refused}
    return Record(**merged)


def _younger_verdict(base: Record, ours: Record, theirs: Record) -> Record:
    ours_changed, theirs_changed = (_verdict(side) != _verdict(base) for side in (ours, theirs))
    if ours_changed and theirs_changed:
        return theirs if theirs.since > ours.since else ours
    return ours if ours_changed else theirs


def _verdict(record: Record) -> tuple[Any, ...]:
    return tuple(getattr(record, name) for name in _VERDICT)


def encode_records(records: Mapping[int, Record]) -> bytes:
    """Write the memories of all accounts, by id."""
    accounts = {str(number): record for number, record in records.items()}
    return msgspec.json.format(msgspec.json.encode({"version": 1, "credentials": accounts}), indent=2) + b"\n"


class _File(msgspec.Struct):
    credentials: dict[int, Record] = {}


def decode_records(data: bytes) -> dict[int, Record]:
    """Read what `encode_records` wrote.

    Raises:
        msgspec.DecodeError: it is not that.
    """
    return msgspec.json.decode(data, type=_File).credentials
