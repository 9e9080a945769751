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

from kiro_trio.conversation.prompt import Block, Text, Turn
from kiro_trio.kiro.entries import Entry, Handback, as_system, group
from kiro_trio.kiro.limits import PromptRefused
from kiro_trio.kiro.options import Prefill
from kiro_trio.kiro.pairing import pair
from kiro_trio.kiro.tally import Tally

BEGINNING = "(The conversation begins with the assistant.)"
NOTHING_SAID = "(This message is empty.)"


@dataclass(frozen=True, slots=True)
class History:
    """Turns as Kiro wants them, the last one being the current message; none if there were none."""

    turns: tuple[Turn, ...]
    warnings: tuple[str, ...]


def normalise(
    turns: Sequence[Turn], prefill: Prefill = Prefill.CONTINUE, handback: Handback | None = None
) -> History:
    """Bring `turns` into the form above. Linear in their length; idempotent.

    Raises:
        PromptRefused: the assistant has the last word and `prefill` is `REFUSE`.
    """
    tally = Tally()
    entries = group(turns, handback or Handback(), tally)
    if turns:
        _close(entries, turns, prefill, tally)
    if entries and entries[0].assistant:
        tally.note("beginning put before the assistant's first message")
        entries.insert(0, Entry(assistant=False, pieces=[BEGINNING]))
    pair(entries, tally)
    return History(tuple(map(_turn, entries)), tally.warnings())


def _close(entries: list[Entry], turns: Sequence[Turn], prefill: Prefill, tally: Tally) -> None:
    """See to it that the user has the last word."""
    if entries and not entries[-1].assistant:
        return
    if not entries or _last_role(turns) != "assistant":
        tally.note("empty message of the user filled")
        entries.append(Entry(assistant=False, pieces=[NOTHING_SAID]))
        return
    last = entries[-1]
    if prefill is Prefill.REFUSE:
        raise PromptRefused(
            "The upstream cannot continue a message of the assistant: the last message must be the user's.",
            path=f"messages.{len(turns) - 1}.role",
        )
    if prefill is Prefill.CONTINUE and last.calls:
        entries.append(Entry(assistant=False))
        return
    entries.pop()
    tally.note("earlier thinking left out", int(last.reasoning is not None))
    if prefill is Prefill.DROP:
        tally.note("prefill of the assistant's answer dropped")
        return
    tally.note("prefill of the assistant's answer put into the user's message")
    if not entries:
        entries.append(Entry(assistant=False))
    entries[-1].say(_continued(last.text), "\n")


def _last_role(turns: Sequence[Turn]) -> str:
    """Who spoke last; Claude Code also sends system messages that say nothing, and they do not count."""
    return next((turn.role for turn in reversed(turns) if turn.blocks or turn.role != "system"), "user")


def _continued(text: str) -> str:
    return as_system(
        "Your answer has already begun with the text below. Go on directly behind it; do not repeat it.\n"
        + text
    )


def _turn(entry: Entry) -> Turn:
    text = entry.text
    words: tuple[Block, ...] = (Text(text),) if text else ()
    if entry.assistant:
        thinking = () if entry.reasoning is None else (entry.reasoning,)
        return Turn("assistant", (*thinking, *words, *entry.calls))
    return Turn("user", (*entry.results, *words, *entry.media))
