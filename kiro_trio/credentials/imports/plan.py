"""What would become of each account that was found, and why. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from kiro_trio.credentials.entry import Entry, fingerprint, lineage_of, read_entry, secret_of
from kiro_trio.credentials.imports.candidate import Candidate
from kiro_trio.credentials.login.person import find_person


class Fate(Enum):
    """What becomes of a candidate."""

    ADD = "add"
    REPLACE = "replace"
    SKIP = "skip"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Row:
    """A candidate, its fate and the reason; `credential_id` is the account of ours that it is about."""

    candidate: Candidate
    fate: Fate
    reason: str
    credential_id: int | None = None


def plan_import(
    candidates: Iterable[Candidate],
    known: Mapping[int, Entry],
    *,
    endpoints: Collection[str],
    now: float,
    replace: bool = False,
) -> list[Row]:
    """Decide about every candidate, in order. `known` are our entries; `replace` takes newer sign-ins over older ones.

    A second candidate that is the same account as a first one is skipped.
    """
    rows: list[Row] = []
    taken: dict[int, Entry] = {}
    for number, candidate in enumerate(candidates):
        row = _decide(candidate, known, taken, endpoints, now, replace=replace)
        rows.append(row)
        if row.fate in {Fate.ADD, Fate.REPLACE}:
            taken[number] = candidate.entry
    return rows


def _decide(
    candidate: Candidate,
    known: Mapping[int, Entry],
    taken: Mapping[int, Entry],
    endpoints: Collection[str],
    now: float,
    *,
    replace: bool,
) -> Row:
    entry = candidate.entry
    credential = read_entry(entry, 0, endpoints)
    if problem := candidate.problem or credential.flaw:
        return Row(candidate, Fate.REFUSE, problem)
    if credential.client_expires_at is not None and credential.client_expires_at <= now:
        return Row(candidate, Fate.REFUSE, "its client registration has expired: sign in again")
    if find_person(taken, entry) is not None:
        return Row(candidate, Fate.SKIP, "is the same account as one above")
    number = find_person(known, entry)
    if number is None:
        return Row(candidate, Fate.ADD, "is new")
    if fingerprint(secret_of(entry)) in lineage_of(known[number]):
        return Row(candidate, Fate.SKIP, f"is account {number} already", number)
    if replace:
        return Row(candidate, Fate.REPLACE, f"is another sign-in of account {number}", number)
    reason = f"is another sign-in of account {number}; --replace takes this one instead"
    return Row(candidate, Fate.SKIP, reason, number)
