"""However we and an editor write to one file in turn: the living token is known, and nothing of anybody's is lost.

Tokens rotate, and an old one is dead for ever, however recently somebody has saved it.
"""

import copy

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kiro_trio.credentials.credential import Defaults
from kiro_trio.credentials.document import Document
from kiro_trio.credentials.ledger import Ledger
from tests.credentials.entries import refresh_token, rotated, social

BOUNDED = 60
STEPS = 20

KEYS = st.sampled_from(["priority", "email", "region", "accessToken", "custom", "machineId"])
VALUES = st.sampled_from([None, 1, 2, "x", "y", {"deep": [1]}])


class TwoWriters(RuleBasedStateMachine):
    """Our ledger and a file that somebody else writes too; tokens rotate, and an old one is dead for ever."""

    @initialize(single=st.booleans())
    def begin(self, single):
        self.single = single
        self.file = Document([social("t0", kept="for ever")], single=single)
        self.ledger = Ledger(Defaults())
        self.alive, self.count = refresh_token("t0"), 0
        self.editor = copy.deepcopy(self.file)

    @rule(written=st.booleans())
    def sync(self, written):
        document = copy.deepcopy(self.file)
        self.ledger.reconcile(document)
        if self.ledger.unsaved and written:
            self.file = document
            self.ledger.saved()

    @precondition(lambda self: self.ledger.entries())
    @rule()
    def renew(self):
        self.count += 1
        self.alive = refresh_token(f"t{self.count}")
        self.ledger.note(1, rotated(f"t{self.count}"))

    @precondition(lambda self: self.ledger.entries())
    @rule(key=KEYS.filter(lambda key: key != "accessToken"), value=VALUES)
    def note(self, key, value):
        self.ledger.note(1, {key: value})

    @rule()
    def open_editor(self):
        self.editor = copy.deepcopy(self.file)

    @rule(key=KEYS, value=VALUES)
    def save_editor(self, key, value):
        self.editor.entries[0][key] = value
        self.file = copy.deepcopy(self.editor)

    @rule()
    def truncate_and_fill(self):
        self.ledger.reconcile(Document([]))
        self.ledger.reconcile(copy.deepcopy(self.file))

    @invariant()
    def the_live_token_is_known_and_nothing_foreign_is_lost(self):
        document = copy.deepcopy(self.file)
        ledger = copy.deepcopy(self.ledger)
        ledger.reconcile(document)
        assert document.entries[0]["refreshToken"] == self.alive
        assert document.entries[0]["kept"] == "for ever"
        assert document.single == self.single
        assert list(ledger.entries()) == [1]


MACHINE = TwoWriters
