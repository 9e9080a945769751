import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.credentials.credential import Defaults
from kiro_trio.credentials.document import Document, InvalidFile
from kiro_trio.credentials.entry import LINEAGE, fingerprint
from kiro_trio.credentials.ledger import DuplicateCredential, Ledger
from tests.credentials.entries import fresh, idc, refresh_token, rotated, social


def ledger_of(*entries, **defaults):
    ledger, document = Ledger(Defaults(**defaults)), Document(copy.deepcopy(list(entries)))
    ledger.reconcile(document)
    ledger.saved()
    return ledger, document


class TestIds:
    def test_they_are_back_filled_behind_the_highest(self):
        _, document = ledger_of(social("a"), social("b", id=7), social("c"))
        assert [entry["id"] for entry in document.entries] == [8, 7, 9]

    def test_an_entry_without_id_is_recognised_by_its_tokens(self):
        ledger, _ = ledger_of(social("a"), social("b"))
        document = Document([social("b"), social("c"), social("a")])
        assert ledger.reconcile(document) == frozenset()
        assert [entry["id"] for entry in document.entries] == [2, 3, 1]

    def test_a_single_object_is_the_same_credential_whatever_is_in_it(self):
        ledger = Ledger(Defaults())
        ledger.reconcile(Document([social("a")], single=True))
        document = Document([social("b")], single=True)
        assert ledger.reconcile(document) == {1}
        assert document.entries[0]["id"] == 1

    @pytest.mark.parametrize("number", [0, -1, "1", 1.5, True, None])
    def test_what_is_no_id_is_replaced(self, number):
        _, document = ledger_of(social("a", id=number))
        assert document.entries[0]["id"] == 1

    def test_an_id_is_not_given_twice(self):
        ledger, document = ledger_of(social("a"), social("b"))
        ledger.remove(document, 2)
        ledger.reconcile(document)
        assert ledger.add(document, social("c")) == 3

    def test_two_entries_with_one_id_change_nothing(self):
        ledger, _ = ledger_of(social("a"))
        before = ledger.entries()
        with pytest.raises(InvalidFile, match="two entries with the id 4"):
            ledger.reconcile(Document([social("a", id=4), social("b", id=4)]))
        assert ledger.entries() == before

    def test_what_is_no_object_is_left_alone(self):
        _, document = ledger_of("what", social("a"), None)
        assert (document.entries[0], document.entries[2]) == ("what", None)


class TestMachineIds:
    def test_it_outlives_the_token_that_it_was_derived_from(self):
        ledger, document = ledger_of({"refreshToken": "r" * 120}, {"kiroApiKey": "ksk_example0123456789"})
        first = "a5f0cd07479f0079f749c09f8f7dbd16d6eaca1aa84fec3fcf92c964812524e9"
        assert document.entries[0]["machineId"] == first
        assert (
            document.entries[1]["machineId"]
            == "494043374f4e7ac79ba6e798add0725446ef81798bec44bdf907040b72070b16"
        )
        ledger.note(1, rotated("b"))
        assert ledger.entries()[1]["machineId"] == first

    def test_one_in_the_configuration_is_nobodys_own(self):
        _, document = ledger_of(social("a"), machine_id="c" * 64)
        assert "machineId" not in document.entries[0]

    def test_a_flawed_entry_gets_none(self):
        _, document = ledger_of({"refreshToken": "short"})
        assert "machineId" not in document.entries[0]


class TestDuplicates:
    def test_the_second_of_two_is_flawed(self):
        ledger, _ = ledger_of(social("a"), social("b"), social("a"))
        flaws = [credential.flaw for credential in ledger.credentials().values()]
        assert flaws == ["", "", "is the same account as credential 1"]

    def test_one_is_recognised_by_every_token_it_ever_had(self):
        ledger, document = ledger_of(social("a"))
        for name in "bcdefghijklmnopqrstuvwxyz":
            ledger.note(1, rotated(name))
        for name in "ayz":
            with pytest.raises(DuplicateCredential, match="credential 1"):
                ledger.add(document, social(name))
        assert ledger.add(document, social("new")) == 2

    def test_a_token_that_was_exchanged_belongs_to_whoever_has_the_new_one(self):
        ledger, _ = ledger_of(
            social("a", id=1), social("b", id=2, **{LINEAGE: [fingerprint(refresh_token(n)) for n in "ab"]})
        )
        assert [c.flaw for c in ledger.credentials().values()] == ["is the same account as credential 2", ""]

    def test_keys_too(self):
        ledger, document = ledger_of({"kiroApiKey": "ksk_1"})
        with pytest.raises(DuplicateCredential):
            ledger.add(document, {"kiroApiKey": "ksk_1"})


class TestOutsideEdits:
    def test_each_side_keeps_the_keys_that_it_changed(self):
        ledger, document = ledger_of(social("a", priority=1, note={"deep": [1]}))
        ledger.note(1, {**rotated("b"), "email": "new@example.invalid"})
        theirs = copy.deepcopy(document)
        theirs.entries[0] |= {"priority": 5, "extra": True}
        assert ledger.reconcile(theirs) == frozenset()
        merged = theirs.entries[0]
        assert (merged["priority"], merged["extra"], merged["note"]) == (5, True, {"deep": [1]})
        assert (merged["refreshToken"], merged["email"]) == (refresh_token("b"), "new@example.invalid")

    def test_where_both_changed_a_key_the_file_wins(self):
        ledger, document = ledger_of(social("a", email="old"))
        ledger.note(1, {"email": "ours"})
        document.entries[0]["email"] = "theirs"
        ledger.reconcile(document)
        assert (document.entries[0]["email"], ledger.unsaved) == ("theirs", False)

    def test_a_token_that_we_exchanged_does_not_come_back(self):
        ledger, document = ledger_of(fresh("a"))
        old = copy.deepcopy(document)
        ledger.note(1, rotated("b"))
        ledger.reconcile(document)
        ledger.saved()
        old.entries[0]["priority"] = 9  # somebody saves what his editor had open
        assert ledger.reconcile(old) == frozenset()
        assert (old.entries[0]["refreshToken"], old.entries[0]["priority"]) == (refresh_token("b"), 9)
        assert (old.entries[0]["accessToken"], ledger.unsaved) == ("aoa-b", True)

    def test_a_new_sign_in_wins_over_a_renewal(self):
        ledger, document = ledger_of(social("a"))
        ledger.note(1, rotated("b"))
        document.entries[0] = social("new", id=1)
        assert ledger.reconcile(document) == {1}
        assert document.entries[0]["refreshToken"] == refresh_token("new")
        assert ledger.credentials()[1].access_token == ""

    def test_another_process_rotation_is_no_sign_in(self):
        ours, document = ledger_of(social("a"))
        theirs, other = ledger_of(*document.entries)
        for name in "bc":
            theirs.note(1, rotated(name))
        theirs.reconcile(other)
        assert ours.reconcile(other) == frozenset()
        assert ours.credentials()[1].refresh_token == refresh_token("c")

    def test_of_two_access_tokens_of_one_refresh_token_the_longer_lived_stays(self):
        for expires, winner in (("2026-09-21T17:00:00Z", "aoa-theirs"), ("2026-09-21T15:00:00Z", "aoa-ours")):
            ledger, document = ledger_of(fresh("a"))
            ledger.note(1, {"accessToken": "aoa-ours", "expiresAt": "2026-09-21T16:00:00Z"})
            document.entries[0] |= {"accessToken": "aoa-theirs", "expiresAt": expires}
            ledger.reconcile(document)
            assert document.entries[0]["accessToken"] == winner

    def test_an_owner_may_shorten_a_tokens_life(self):
        ledger, document = ledger_of(fresh("a"))
        document.entries[0]["expiresAt"] = "2020-01-01T00:00:00Z"
        ledger.reconcile(document)
        assert document.entries[0]["expiresAt"].startswith("2020")

    def test_an_entry_that_was_away_for_a_moment_has_not_lost_its_token(self):
        ledger, document = ledger_of(social("a"))
        old = copy.deepcopy(document)
        ledger.note(1, rotated("b"))
        ledger.reconcile(document)
        ledger.saved()
        ledger.reconcile(Document([]))
        assert ledger.credentials() == {}
        ledger.reconcile(old)
        assert ledger.credentials()[1].refresh_token == refresh_token("b")

    def test_a_removed_entry_is_forgotten(self):
        ledger, document = ledger_of(social("a"))
        old = copy.deepcopy(document)
        ledger.note(1, rotated("b"))
        ledger.remove(document, 1)
        ledger.note(1, rotated("c"))
        assert ledger.reconcile(old) == frozenset()
        assert ledger.credentials()[1].refresh_token == refresh_token("a")

    def test_what_was_not_saved_is_restored_only_onto_its_own_token(self):
        before, document = ledger_of(social("a"), idc("x"))
        before.note(1, rotated("b"))
        before.note(2, {**rotated("y"), "email": "x@example.invalid"})
        after, now = ledger_of(document.entries[0], idc("other", id=2))
        after.restore(before.pending)
        after.reconcile(now)
        assert [entry["refreshToken"] for entry in now.entries] == [
            refresh_token("b"),
            refresh_token("other"),
        ]
        assert "email" not in now.entries[1]

    @pytest.mark.parametrize(
        ("known", "left", "token"),
        [
            ([], ["b"], "b"),
            (["b"], ["b", "c"], "c"),
            (["b"], ["b"], "b"),
            (["b", "c"], ["b"], "c"),
        ],
    )
    def test_the_newer_tokens_of_a_version_that_never_stood_are_inherited(self, known, left, token):
        ledger, document = ledger_of(social("a"), social("x"))
        other = copy.deepcopy(ledger)
        for one, names in ((ledger, known), (other, left)):
            for name in names:
                one.note(1, rotated(name))
        version = copy.deepcopy(document)
        other.reconcile(version)
        version.entries[1] = {**social("signed-in-elsewhere"), "id": 2}
        version.entries += [social("new", id=9), "stray"]
        ledger.inherit(version)
        ledger.reconcile(document)
        assert [one.refresh_token for one in ledger.credentials().values()] == [
            refresh_token(token),
            refresh_token("x"),
        ]

    @pytest.mark.parametrize(
        ("left", "token"), [("2026-09-21T17:00:00Z", "new"), ("2026-09-21T15:00:00Z", "old")]
    )
    def test_of_two_access_tokens_the_longer_one_is(self, left, token):
        ledger, document = ledger_of(social("a"))
        ledger.note(1, {"accessToken": "aoa-old", "expiresAt": "2026-09-21T16:00:00Z"})
        version = copy.deepcopy(document)
        version.entries[0] |= {"accessToken": "aoa-new", "expiresAt": left}
        ledger.inherit(version)
        ledger.reconcile(document)
        assert document.entries[0]["accessToken"] == f"aoa-{token}"


@given(st.lists(st.sampled_from("abcd"), max_size=6))
def test_reconciling_twice_is_reconciling_once(names):
    document = Document([social(name) for name in names])
    ledger = Ledger(Defaults())
    ledger.reconcile(document)
    ledger.saved()
    again = copy.deepcopy(document)
    assert ledger.reconcile(again) == frozenset()
    assert (again, ledger.unsaved) == (document, False)
