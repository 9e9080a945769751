"""Splitter, normaliser and session, broken on purpose: a bounded run of their targets finds every one.

The decoders that are broken on purpose stand in `tests/wire/mutants.py`. A mutant is a substitution that must match exactly once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
from hypothesis import Phase

from fuzz import fresh, run

Modules = dict[str, ModuleType]

# Which modules are loaded anew together, and what of them the target takes.
ROOMS: dict[str, tuple[tuple[str, ...], Callable[[Modules], dict[str, Any]]]] = {
    "thinking_splitter": (
        ("kiro_trio.kiro.thinking",),
        lambda made: {"new": made["kiro_trio.kiro.thinking"].ThinkingSplitter},
    ),
    "history": (
        ("kiro_trio.kiro.entries", "kiro_trio.kiro.pairing", "kiro_trio.kiro.history"),
        lambda made: {"normalise": made["kiro_trio.kiro.history"].normalise},
    ),
    "session": (
        ("kiro_trio.session.plan", "kiro_trio.session.outbox", "kiro_trio.session.run"),
        lambda made: {
            "session": made["kiro_trio.session.run"].Session,
            "outbox": made["kiro_trio.session.outbox"].Outbox,
        },
    ),
}


@dataclass(frozen=True)
class Mutant:
    name: str
    module: str
    old: str
    new: str

    @property
    def target(self) -> str:
        return next(target for target, (names, _) in ROOMS.items() if f"kiro_trio.{self.module}" in names)


MUTANTS = (
    # The splitter
    Mutant("half an opening tag is text", "kiro.thinking", "if any(opening.startswith(visible) for opening in self._closings):", "if not visible:"),
    Mutant("white space before the first word is lost", "kiro.thinking", 'spans.append(TextDelta("".join(self._blank) + visible))', "spans.append(TextDelta(visible))"),
    Mutant("white space before half a tag is lost", "kiro.thinking", 'return [TextDelta("".join(blank) + held)]', "return [TextDelta(held)]"),
    Mutant("what is held at the end is lost", "kiro.thinking", "return [] if closing.text in held else [ThinkingDelta(held)]", "return []"),
    Mutant("half a closing tag is thought", "kiro.thinking", "partial.start() if partial else len(text)", "len(text)"),
    Mutant("all thinking is held back", "kiro.thinking", "partial.start() if partial else len(text)", "1"),
    Mutant("half a tag is looked for in three characters", "kiro.thinking", "max(1, len(text) - closing.longest)", "max(1, len(text) - 3)"),
    Mutant("what stood before is forgotten", "kiro.thinking", "self._before, self._held = text[end - 1], text[end:]", 'self._before, self._held = "x", text[end:]'),
    Mutant("a code block lasts for a segment more", "kiro.thinking", '        self._before = ""\n        self._fence = ""', '        self._before = ""\n        self._fence = getattr(self, "_fence", "")'),
    Mutant("a tag whose place is undecided ends", "kiro.thinking", "if not after:\n            return Verdict.UNDECIDED", "if not after:\n            return Verdict.CLOSES"),
    Mutant("white space behind the tag is answer", "kiro.thinking", "if text := text.lstrip():", "if text:"),
    # The normaliser
    Mutant("the assistant may begin", "kiro.history", "entries.insert(0, UserEntry([BEGINNING]))", "pass"),
    Mutant("an empty last message", "kiro.history", "return _begun(entries, NOTHING_SAID)", "return _begun(entries)"),
    Mutant("a prefill is lost", "kiro.history", 'current.say(_continued(last.text), "\\n")', 'current.say("?", "\\n")'),
    Mutant("the last words win", "kiro.entries", 'self._user().say(block.text, "\\n")', "self._user().pieces[:] = [block.text]"),
    Mutant("system messages are lost", "kiro.entries", '        if text:\n            self._tally.note("system', '        if False:\n            self._tally.note("system'),
    Mutant("turns of one speaker stay apart", "kiro.entries", "if type(entry) is not UserEntry:", "if True:"),
    Mutant("answers of the model stay apart", "kiro.entries", "if type(entry) is not ModelEntry:", "if True:"),
    Mutant("an empty result in one piece", "kiro.pairing", "return only.text if _says(only.text) else EMPTY_RESULT", "return only.text"),
    Mutant("blanks between pieces are an answer", "kiro.entries", "if joined or not _blank(block.text):", "if True:"),
    Mutant("a call may be unanswered", "kiro.pairing", "if any(waiting.values()):", "if False:"),
    Mutant("a call may be answered twice", "kiro.pairing", "Answer(open_ids.popleft(),", "Answer(open_ids[0],"),
    Mutant("a late result is lost", "kiro.pairing", 'stray += [_in_words(result, text), "\\n"]', "pass"),
    Mutant("an id may come twice", "kiro.pairing", "and call_id not in self._taken:", "and True:"),
    Mutant("any id is passed on", "kiro.pairing", "if _CALL_ID.fullmatch(call_id) and", "if"),
    Mutant("a result may be empty", "kiro.pairing", "return text if _says(text) else EMPTY_RESULT", "return text"),
    Mutant("empty keys are passed on", "kiro.pairing", "if _has_empty_key(call.input):", "if False:"),
    Mutant("attachments of results are lost", "kiro.pairing", "media.append(part)", "pass"),
    Mutant("ids depend on what comes later", "kiro.pairing", "ids = _CallIds(tally)", "entries = list(entries)\n    ids = _CallIds(tally)\n    ids._taken.update(c.id for c in entries[-2].calls if len(entries) > 1) if len(entries) > 1 else None"),
    # The session
    Mutant("another try after words", "session.plan", "if progress >= Progress.SPOKEN or", "if progress > Progress.ACTED or"),
    Mutant("tries without end", "session.plan", "or tries.total >= MAX_TRIES_PER_REQUEST:", "or tries.total >= 50:"),
    Mutant("a ping makes words unsaid", "session.outbox", "self.progress = max(self.progress, progress)\n        self.torn = True\n        await self._door.write", "self.progress = progress\n        self.torn = True\n        await self._door.write"),
    Mutant("no error event", "session.outbox", "await self._end(event, Progress.SPOKEN)", 'await self._end(b"", Progress.SPOKEN)'),
    Mutant("an error in a second answer", "session.outbox", "if self.progress is Progress.SILENT:\n                headers, body", "if True:\n                headers, body"),
    Mutant("two attempts share a translator", "session.run", "        self._translator = self._new_translator()\n        began", "        began"),
    Mutant("no signs of life", "session.run", "await outbox.ping(self._translator.keepalive())", "await trio.sleep(1)"),
    Mutant("patience never shortens", "session.run", "(self._patience.grace if outbox.progress is Progress.SILENT else ping)", "self._patience.grace"),
    Mutant("an account is not given back", "session.run", "            self._leases.settle(lease", "            (lambda *_: None)(lease"),
    Mutant("the end of a reply is taken for sent", "session.run", "self._new_translator().error(error.error_type", "self._translator.error(error.error_type"),
    Mutant("a stop behind the end is a failure", "session.run", "        if self._told:\n            failure = None", "        if False:\n            failure = None"),
    Mutant("a stop tears a write", "session.run", "async with outbox.settled():  # not in the middle of a write", "if True:"),
    Mutant("a loss is passed on as whole", "session.run", "        return ended[0] if ended else self._stopped_by", "        return self._stopped_by"),
)  # fmt: skip


def bounded_run(target: str, changed: dict[str, str] | None = None, examples: int | None = None) -> None:
    names, parts = ROOMS[target]
    phases = (Phase.explicit, Phase.generate)
    run.bounded(run.target(target), examples=examples, phases=phases, **parts(fresh.load(names, changed)))


@pytest.mark.parametrize("target", ROOMS)
def test_the_bounded_run_finds_nothing_in_a_room_loaded_anew(target: str) -> None:
    bounded_run(target, examples=40)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_bounded_run_finds(mutant: Mutant) -> None:
    name = f"kiro_trio.{mutant.module}"
    text = fresh.source(name)
    assert text.count(mutant.old) == 1, f"found {text.count(mutant.old)} times"
    with pytest.raises(Exception):  # noqa: B017, PT011  # whatever shows it
        bounded_run(mutant.target, {name: text.replace(mutant.old, mutant.new)})
