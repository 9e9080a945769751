"""History: any sequence of turns in, the one that Kiro accepts and that says the same out.

What holds afterwards, for whatever went in (Source: docs/wire.md, "History rules"):

1. Users and the assistant alternate, the user first and last; no role `system`.
2. No message is empty: a user's has text, results or images; the assistant's has text or calls.
3. Blocks are in order: a user's results, text (one), images and documents; the assistant's thinking (at most one), text
   (one), calls.
4. The message after calls answers each of them once, and answers nothing else. No result is empty or holds anything
   but text. Ids are valid and unique in the conversation.

No text is lost: what has no place is said in words. What depends on a turn depends on nothing after it, save at the
very end, so a conversation that goes on keeps its beginning, and Kiro's cache with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kiro_trio.conversation.prompt import Turn
from kiro_trio.kiro.entries import Entry, Handback, ModelEntry, UserEntry, as_system, group
from kiro_trio.kiro.limits import PromptRefused
from kiro_trio.kiro.options import Prefill
from kiro_trio.kiro.pairing import pair
from kiro_trio.kiro.tally import Tally

BEGINNING = "(The conversation begins with the assistant.)"
NOTHING_SAID = "(This message is empty.)"


@dataclass(frozen=True, slots=True)
class History:
    """Entries as Kiro wants them: those before the current message, and that one, None if nobody said anything."""

    earlier: list[Entry]
    current: UserEntry | None
    warnings: tuple[str, ...]

    @property
    def entries(self) -> list[Entry]:
        """All of them."""
        return [*self.earlier, self.current] if self.current else []

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The same as turns."""
        return tuple(entry.turn() for entry in self.entries)


def normalise(
    turns: Sequence[Turn], prefill: Prefill = Prefill.CONTINUE, handback: Handback | None = None
) -> History:
    """Bring `turns` into the form above. Linear in their length; idempotent.

    Raises:
        PromptRefused: the assistant has the last word and `prefill` is `REFUSE`.
    """
    tally = Tally()
    entries = group(turns, handback or Handback(), tally)
    current = _close(entries, turns, prefill, tally) if turns else None
    if entries and isinstance(entries[0], ModelEntry):
        tally.note("beginning put before the assistant's first message")
        entries.insert(0, UserEntry([BEGINNING]))
    pair(entries, tally)
    return History(entries[:-1], current, tally.warnings())


def _close(entries: list[Entry], turns: Sequence[Turn], prefill: Prefill, tally: Tally) -> UserEntry | None:
    """See to it that the user has the last word, and give that entry; None if there is nothing left."""
    last = entries[-1] if entries else None
    if isinstance(last, UserEntry):
        return last
    if last is None or _last_role(turns) != "assistant":
        tally.note("empty message of the user filled")
        return _begun(entries, NOTHING_SAID)
    if prefill is Prefill.REFUSE:
        raise PromptRefused(
            "The upstream cannot continue a message of the assistant: the last message must be the user's.",
            path=f"messages.{len(turns) - 1}.role",
        )
    if prefill is Prefill.CONTINUE and last.calls:
        return _begun(entries)
    entries.pop()
    tally.note("earlier thinking left out", int(last.reasoning is not None))
    asked = entries[-1] if entries else None
    if prefill is Prefill.DROP:
        tally.note("prefill of the assistant's answer dropped")
        return asked if isinstance(asked, UserEntry) else None
    tally.note("prefill of the assistant's answer put into the user's message")
    current = asked if isinstance(asked, UserEntry) else _begun(entries)
    current.say(_continued(last.text), "\n")
    return current


def _begun(entries: list[Entry], *pieces: str) -> UserEntry:
    entries.append(entry := UserEntry([*pieces]))
    return entry


def _last_role(turns: Sequence[Turn]) -> str:
    """Who spoke last; Claude Code also sends system messages that say nothing, and they do not count."""
    return next((turn.role for turn in reversed(turns) if turn.blocks or turn.role != "system"), "user")


def _continued(text: str) -> str:
    return as_system(
        "Your answer has already begun with the text below. Go on directly behind it; do not repeat it.\n"
        + text
    )
