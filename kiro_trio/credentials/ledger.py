"""The ledger: what the credentials file says, what we know better, and how the two become one. Pure.

Others write to the file too: the owner in an editor, and a second gateway. So nothing is ever written from a copy:
each change of ours is a handful of keys of one entry, laid over the file as it is at that moment. Where both sides
changed the same key the file wins, with one exception: a refresh token that we have already exchanged for a newer one
is dead, however recently somebody saved it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kiro_trio.credentials.credential import Credential, Defaults
from kiro_trio.credentials.document import Document, InvalidFile
from kiro_trio.credentials.entry import LINEAGE, Entry, fingerprint, lineage_of, read_entry, secret_of
from kiro_trio.credentials.expiry import parse_expiry
from kiro_trio.kiro.identity import machine_id

Changes = Mapping[str, Any]
"""New values by key; None takes the key away."""

# The first token is what an account is added with again; the last ones are what an editor may still have open.
_LINEAGE_LENGTH = 16
_TOKEN_GROUP = ("accessToken", "refreshToken", "expiresAt", LINEAGE)


class DuplicateCredential(Exception):
    """The account is there already; `credential_id` says where."""

    def __init__(self, credential_id: int) -> None:
        super().__init__(f"this account is there already, as credential {credential_id}")
        self.credential_id = credential_id


class Ledger:
    """What is known of every entry, by id."""

    def __init__(self, defaults: Defaults) -> None:
        self.places: dict[int, int] = {}
        """Where each entry stands in the file, by id; the first is 1."""
        self.strays: tuple[int, ...] = ()
        """The places of what is no entry at all."""
        self._defaults = defaults
        self._seen: dict[int, Entry] = {}
        self._gone: dict[int, Entry] = {}
        self._pending: dict[int, dict[str, Any]] = {}
        self._highest = 0

    @property
    def unsaved(self) -> bool:
        """Whether something is known that does not stand in the file yet."""
        return any(number in self._seen for number in self._pending)

    def entries(self) -> dict[int, Entry]:
        """Every entry as we know it, the unsaved changes included."""
        return {number: self._known(number) for number in self._seen}

    def credentials(self) -> dict[int, Credential]:
        """Every entry as a credential; an entry that is the same account as another one is flawed."""
        entries = self.entries()
        present, former = _owners(entries)
        read: dict[int, Credential] = {}
        for number, entry in entries.items():
            credential = read_entry(entry, number, self._defaults.endpoints)
            mark = fingerprint(credential.secret)
            owner = former.get(mark) or present.get(mark) or number
            flaw = credential.flaw or (
                f"is the same account as credential {owner}" if owner != number else ""
            )
            read[number] = replace(credential, flaw=flaw)
        return read

    def note(self, credential_id: int, changes: Changes) -> None:
        """Remember changes of ours that the file does not have yet; a new refresh token continues the lineage."""
        if credential_id not in self._seen and credential_id not in self._gone:
            return  # the owner has removed the account meanwhile
        changes = continued(changes, lineage_of(self._known(credential_id)))
        self._pending.setdefault(credential_id, {}).update(changes)

    @property
    def pending(self) -> dict[int, dict[str, Any]]:
        """The unsaved changes, by id."""
        return {number: dict(changes) for number, changes in self._pending.items()}

    def restore(self, pending: Mapping[int, Changes]) -> None:
        """Take up changes that an earlier process could not save, unless the entry has moved on since."""
        for number, changes in pending.items():
            known = self._known(number)
            if number in self._seen and _descends(_laid_over(known, changes), known):
                self._pending.setdefault(number, {}).update(changes)

    def awaits(self, pending: Mapping[int, Changes]) -> bool:
        """Whether these changes are among the unsaved ones."""
        return all(
            changes.items() <= self._pending.get(number, {}).items() for number, changes in pending.items()
        )

    def inherit(self, document: Document) -> None:
        """Take up the tokens of a version of the file that another process could not put there, if they are newer."""
        for _, entry in _objects(document):
            number = entry.get("id")
            if not isinstance(number, int) or number not in self._seen:
                continue
            known = self._known(number)
            same = secret_of(entry) == secret_of(known)
            if _expiry(entry) > _expiry(known) if same else _descends(entry, known):
                self._pending.setdefault(number, {}).update({key: entry.get(key) for key in _TOKEN_GROUP})

    def reconcile(self, document: Document) -> frozenset[int]:
        """Make the file's document and our knowledge one; the document is changed in place.

        Afterwards `unsaved` says whether it has to be written. Returns the entries that somebody signed in anew: with
        a refresh token or key that does not descend from the one we knew.

        Raises:
            InvalidFile: two entries have the same id; nothing has been changed then.
        """
        numbers = self._numbers(document)
        self.places = {number: index + 1 for index, number in numbers.items()}
        self.strays = tuple(index + 1 for index in range(len(document.entries)) if index not in numbers)
        signed_in = set()
        # An entry that vanishes may be back in a moment, with old tokens: an editor empties a file before it fills it.
        self._gone |= self._seen
        self._seen = {}
        for index, number in numbers.items():
            theirs: Entry = document.entries[index]
            merged = theirs
            if (base := self._gone.pop(number, None)) is not None:
                pending = self._pending.get(number, {})
                ours = _laid_over(base, pending)
                merged = _merged(base, pending, theirs)
                if not _descends(theirs, ours) and not _descends(ours, theirs):
                    signed_in.add(number)
            document.entries[index] = merged = self._completed(number, merged)
            self._seen[number] = theirs
            self._keep(number, _difference(theirs, merged))
        return frozenset(signed_in)

    def saved(self) -> None:
        """The last reconciled document stands in the file."""
        self._seen = self.entries()
        self._pending = {number: rest for number, rest in self._pending.items() if number not in self._seen}

    def add(self, document: Document, entry: Entry) -> int:
        """Append an entry to the (reconciled) document, give it the next id and return that.

        Raises:
            DuplicateCredential: one of the entries has, or once had, its refresh token or key.
        """
        mark = fingerprint(secret_of(entry))
        for number, known in self.entries().items():
            if mark and mark in lineage_of(known):
                raise DuplicateCredential(number)
        self._highest += 1
        number = self._highest
        completed = self._completed(number, {key: value for key, value in entry.items() if key != "id"})
        document.entries.append(completed)
        self._seen[number] = {}
        self._keep(number, completed)
        return number

    def remove(self, document: Document, credential_id: int) -> bool:
        """Take an entry out of the (reconciled) document; says whether it was there."""
        document.entries[:] = [entry for entry in document.entries if not _has_id(entry, credential_id)]
        self._pending.pop(credential_id, None)
        self._gone.pop(credential_id, None)
        return self._seen.pop(credential_id, None) is not None

    def _known(self, number: int) -> Entry:
        base = self._seen.get(number) or self._gone.get(number) or {}
        return _laid_over(base, self._pending.get(number, {}))

    def _keep(self, number: int, difference: dict[str, Any]) -> None:
        if difference:
            self._pending[number] = difference
        else:
            self._pending.pop(number, None)

    def _numbers(self, document: Document) -> dict[int, int]:
        """The id of each entry that is an object, by its index: written, else recognised, else the next."""
        numbers: dict[int, int] = {}
        for index, entry in _objects(document):
            number = entry.get("id")
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                continue
            if number in numbers.values():
                raise InvalidFile(f"has two entries with the id {number}")
            numbers[index] = number
        self._highest = max([self._highest, *numbers.values(), *self._seen])
        for index, entry in _objects(document):
            if index not in numbers:
                numbers[index] = self._recognised(entry, set(numbers.values()), single=document.single)
        return dict(sorted(numbers.items()))

    def _recognised(self, entry: Entry, taken: Collection[int], *, single: bool) -> int:
        mark = fingerprint(secret_of(entry))
        for number in (*self._seen, *self._gone):
            same = mark and mark in lineage_of(self._known(number))
            if number not in taken and (same or (single and len(self._seen) == 1)):
                return number
        self._highest += 1
        return self._highest

    def _completed(self, number: int, entry: Entry) -> Entry:
        """The entry with its id, and with a machine id that outlives the token it was derived from."""
        completed = {"id": number, **entry} | {"id": number}
        if not completed.get("machineId") and not self._defaults.machine_id:
            credential = read_entry(completed, number, self._defaults.endpoints)
            if not credential.flaw:
                key, token = credential.kiro_api_key, credential.refresh_token
                completed["machineId"] = machine_id(api_key=key, refresh_token=token)
        return completed


def continued(changes: Changes, lineage: Sequence[str]) -> dict[str, Any]:
    """The changes with the lineage that they bring about, if they have a refresh token that is not its last one."""
    mark = fingerprint(changes.get("refreshToken") or "")
    if not mark or mark == (lineage[-1] if lineage else ""):
        return dict(changes)
    return {**changes, LINEAGE: _bounded([*lineage, mark])}


def _objects(document: Document) -> Iterator[tuple[int, Entry]]:
    return ((index, entry) for index, entry in enumerate(document.entries) if isinstance(entry, dict))


def _has_id(entry: Any, credential_id: int) -> bool:
    return isinstance(entry, dict) and entry.get("id") == credential_id


def _bounded(marks: list[str]) -> list[str]:
    return marks if len(marks) <= _LINEAGE_LENGTH else [marks[0], *marks[1 - _LINEAGE_LENGTH :]]


def _laid_over(entry: Entry, changes: Changes) -> Entry:
    """A copy of `entry` with the changes; what becomes None goes away, everything else keeps its place."""
    merged = {**entry, **changes}
    return {
        key: value
        for key, value in merged.items()
        if value is not None or (key in entry and key not in changes)
    }


def _merged(seen: Entry, pending: Changes, theirs: Entry) -> Entry:
    """One entry as both sides together know it: the file's, with those changes of ours that are still true."""
    ours = _laid_over(seen, pending)
    changes = {
        key: value
        for key, value in pending.items()
        if key not in _TOKEN_GROUP and theirs.get(key) == seen.get(key)
    }
    if secret_of(ours) == secret_of(theirs):
        # The same refresh token, which not every renewal replaces: the access token that lives longer.
        newer = "accessToken" in pending and _expiry(ours) > _expiry(theirs)
    else:
        newer = fingerprint(secret_of(theirs)) in lineage_of(ours)
    return _laid_over(theirs, changes | ({key: ours.get(key) for key in _TOKEN_GROUP} if newer else {}))


def _difference(old: Entry, new: Entry) -> dict[str, Any]:
    return {key: new.get(key) for key in {**old, **new} if old.get(key) != new.get(key)}


def _expiry(entry: Entry) -> float:
    return parse_expiry(entry.get("expiresAt")) or 0.0


def _owners(entries: Mapping[int, Entry]) -> tuple[dict[str, int], dict[str, int]]:
    """Which entry has each fingerprint as its present one (the first entry), and which as a former one."""
    present: dict[str, int] = {}
    former: dict[str, int] = {}
    for number, entry in entries.items():
        *earlier, last = lineage_of(entry) or [""]
        present.setdefault(last, number)
        former.update((mark, number) for mark in earlier if mark != last)
    present.pop("", None)
    return present, former


def _descends(young: Entry, old: Entry) -> bool:
    """Whether `young` has the token of `old`, or one that was made from it."""
    return fingerprint(secret_of(old)) in lineage_of(young) or secret_of(young) == secret_of(old)
