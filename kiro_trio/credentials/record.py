"""What is remembered of an account over restarts, and how two processes' memories become one. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec


class Out(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why an account is out: since when, until when (None: time does not heal it), and Kiro's word for the cause.

    `mark` is the fingerprint of the one token that it is about, "" if it is about the account.
    """

    since: float
    until: float | None = None
    reason: str = ""
    mark: str = ""


class Record(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """An account's memory. Times are epoch seconds; `outs`, `kind` and `arn_mode` hold names of enums.

    `mark` is the fingerprint of the token or key that all this was about. `outs`: the standings that are in force. `refused`: a model's id to when the account may be asked for it again.
    """

    mark: str = ""
    outs: dict[str, Out] = {}
    strikes: int = 0
    renewal_strikes: int = 0
    rounds: int = 0
    coolings: int = 0
    cooled_at: float = 0.0
    resets_at: float | None = None
    kind: str = ""
    arn_mode: str = ""
    refused: dict[str, float] = {}
    successes: int = 0
    failures: int = 0
    last_used_at: float | None = None


COUNTERS = frozenset({"successes", "failures"})


def merge_records(base: Record, ours: Record, theirs: Record) -> Record:
    """Make one memory of ours and another process's, both grown out of `base`.

    Counters add up; of the rest, what we have changed is ours and all else is theirs, in mappings key by key.
    """
    merged: dict[str, Any] = {}
    for name in Record.__struct_fields__:
        was, mine, other = getattr(base, name), getattr(ours, name), getattr(theirs, name)
        if name in COUNTERS:
            merged[name] = other + mine - was
        elif isinstance(was, dict):
            merged[name] = _merged_keys(was, mine, other)
        else:
            merged[name] = other if mine == was else mine
    return Record(**merged)


def _merged_keys(was: dict[str, Any], mine: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    sides = {
        key: (mine if mine.get(key) != was.get(key) else other).get(key) for key in {**was, **other, **mine}
    }
    return {key: value for key, value in sides.items() if value is not None}


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
