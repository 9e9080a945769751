"""How a reply ended and what it cost: the evidence in Kiro's closing events, and what follows from it.

Source: docs/wire.md, "Stop reasons" and "Usage".
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.conversation.reply import Finished, StopReason, Usage
from kiro_trio.kiro.events import ContextUsage, Metadata, Metering, Metrics, count_name, word

CONTENT_LENGTH = "CONTENT_LENGTH_EXCEEDED"
"""Our word among Kiro's stop reasons for a `ContentLengthExceededException` after the reply had begun."""

_REFUSED = "REFUSAL"
_FULL = 100.0

# Beyond this a figure is not one.
_HIGHEST_PERCENTAGE = 10_000.0
_MOST_CREDITS = 1e9
_MOST_TOKENS = 10**12

# In this order; whole tool calls stand between the two tables.
_BEFORE_CALLS: tuple[tuple[frozenset[str], StopReason], ...] = (
    (frozenset({"MODEL_CONTEXT_WINDOW_EXCEEDED"}), StopReason.CONTEXT_WINDOW),
    (frozenset({"MAX_TOKENS", CONTENT_LENGTH}), StopReason.MAX_TOKENS),
    (frozenset({"CONTENT_FILTERED", "GUARDRAIL_INTERVENED", _REFUSED}), StopReason.REFUSAL),
)
_AFTER_CALLS: tuple[tuple[frozenset[str], StopReason | Fault], ...] = (
    (frozenset({"STOP_SEQUENCE"}), StopReason.STOP_SEQUENCE),
    (frozenset({"TOOL_USE", "MALFORMED_TOOL_USE", "MALFORMED_MODEL_OUTPUT"}), Fault.MALFORMED_OUTPUT),
)
_KNOWN = frozenset({"END_TURN"}).union(*(words for words, _ in (*_BEFORE_CALLS, *_AFTER_CALLS)))

# Reasons for which a model may well have stopped inside a tool call.
_CUT_SHORT = frozenset({StopReason.CONTEXT_WINDOW, StopReason.MAX_TOKENS, StopReason.REFUSAL})


@dataclass(frozen=True, slots=True)
class Said:
    """What a reply has in it: `text` of more than white space, whole tool `calls`, `thinking`.

    `incomplete` is what the first call lacks that is not whole, or "", and `too_long` whether it is so long that it was
    cut off for that. `end` is how the client's own limits have ended
    the reply, if they have.
    """

    text: bool
    calls: bool
    thinking: bool
    incomplete: str = ""
    too_long: bool = False
    end: Finished | None = None


@dataclass(slots=True)
class Evidence:
    """What Kiro has said so far about the reply's end and cost.

    `ending_seen` is true from the first of Kiro's closing events on. `percentage` is of the model's window.
    """

    stop_reasons: set[str] = field(default_factory=set)
    percentage: float | None = None
    credits: float | None = None
    tokens: Mapping[str, Any] = field(default_factory=dict)
    ending_seen: bool = False

    def take(self, event: ContextUsage | Metering | Metadata | Metrics, unknown: Counter[str]) -> None:
        """Add what an event says; stop reasons that we do not know are counted in `unknown`."""
        self.ending_seen = True
        match event:
            case ContextUsage(percentage):
                self._take_percentage(percentage)
            case Metering(usage, unit):
                amount = number(usage)
                if (
                    amount is not None
                    and 0 <= amount < _MOST_CREDITS
                    and (not isinstance(unit, str) or "credit" in unit.lower())
                ):
                    self.credits = (self.credits or 0.0) + amount
            case Metrics(input_tokens, output_tokens):
                # Less telling than `tokenUsage`: whether its input has the cached tokens in it is not known.
                counts = {"uncachedInputTokens": input_tokens, "outputTokens": output_tokens}
                self.tokens = self.tokens or counts
            case Metadata():
                self._take_metadata(event, unknown)

    def conclude(self, said: Said, *, window: int) -> Finished | Failure:
        """How the reply ended, or why it is none.

        A reply without a word and without a call is none, save when Kiro refused, when the client's limit left nothing,
        or when thinking or an incomplete call is all that was cut short: Anthropic's own answers are the same then, and
        clients know what to do, where asking again would cost the same once more. A long call that Kiro cut off without a word ends the
        reply as its words would: clients then have the model write in smaller pieces.
        """
        if said.end is not None and not said.incomplete:
            # What Kiro says of the end is about words that nobody has seen.
            return Finished(StopReason.TOOL_USE) if said.calls else said.end
        outcome = self._judge(calls=said.calls)
        if said.too_long and outcome not in _CUT_SHORT:
            outcome = StopReason.MAX_TOKENS
        if said.incomplete and outcome not in _CUT_SHORT:
            return Failure(Fault.TOOL_CALL_INCOMPLETE, f"a tool call {said.incomplete}")
        if isinstance(outcome, Fault):
            return Failure(outcome, "a stop reason for tool calls without one, or one for malformed output")
        if said.text or said.calls or outcome is StopReason.REFUSAL:
            return Finished(outcome)
        if outcome is StopReason.CONTEXT_WINDOW:  # for the client, a prompt that does not fit
            tokens = self.context_tokens(window)
            over = tokens if tokens is not None and tokens > window else None
            return Failure(Fault.CONTEXT_OVERFLOW, "the window is full", tokens=over, limit=window or None)
        if said.incomplete or (said.thinking and outcome is StopReason.MAX_TOKENS):
            return Finished(outcome)
        return Failure(Fault.EMPTY_REPLY, "only thinking" if said.thinking else "nothing at all")

    def usage(self, *, window: int, estimated_output: int) -> Usage:
        """What the reply cost. Counts that Kiro has sent go first; else the input is its percentage less our output."""
        output = count(self.tokens.get("outputTokens"))
        measured = bool(output)
        if not output:  # 0 for a reply that said something is no measurement
            output = estimated_output
        cache_read = count(self.tokens.get("cacheReadInputTokens")) if measured else None
        cache_write = count(self.tokens.get("cacheWriteInputTokens")) if measured else None
        given = count(self.tokens.get("uncachedInputTokens")) if measured else None
        total = count(self.tokens.get("totalTokens")) if measured else None
        if given is None and total:
            given = max(0, total - output - (cache_read or 0) - (cache_write or 0))
        if given is None and (total := self.context_tokens(window)) is not None:
            given = max(0, total - output - (cache_read or 0) - (cache_write or 0))
        return Usage(
            input_tokens=given,
            output_tokens=output,
            cache_read_tokens=cache_read,
            cache_write_tokens=cache_write,
            credits=self.credits,
            context_percentage=self.percentage,
            measured=measured,
        )

    def context_tokens(self, window: int) -> int | None:
        """Input and output together, from the percentage, rounded down; None when Kiro did not say it."""
        if self.percentage is None or window <= 0:
            return None
        return int(
            self.percentage * window / 100 + 1e-6
        )  # 12.3456 % of a million is 123456, whatever floats say

    def _judge(self, *, calls: bool) -> StopReason | Fault:
        if self.percentage is not None and self.percentage >= _FULL:
            return StopReason.CONTEXT_WINDOW
        for words, reason in _BEFORE_CALLS:
            if words & self.stop_reasons:
                return reason
        if calls:
            return StopReason.TOOL_USE
        for words, outcome in _AFTER_CALLS:
            if words & self.stop_reasons:
                return outcome
        return StopReason.END_TURN

    def _take_percentage(self, value: object) -> None:
        percentage = number(value)
        if percentage is not None and 0 < percentage < _HIGHEST_PERCENTAGE:
            self.percentage = percentage

    def _take_metadata(self, event: Metadata, unknown: Counter[str]) -> None:
        self._take_percentage(event.contextUsagePercentage)
        if isinstance(event.tokenUsage, dict):
            self.tokens = event.tokenUsage
            self._take_percentage(event.tokenUsage.get("contextUsagePercentage"))
        details = event.stopDetails
        if event.refusal or (isinstance(details, dict) and details.get("refusal")):
            self.stop_reasons.add(_REFUSED)
        if isinstance(event.stopReason, str) and event.stopReason:
            reason = event.stopReason.upper().replace("-", "_")
            if reason in _KNOWN:
                self.stop_reasons.add(reason)
            else:
                count_name(unknown, f"stopReason {word(event.stopReason)}")


def number(value: object) -> float | None:
    """A finite number, also when it is written as a text; None for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        converted = float(value)
    except (ValueError, OverflowError):
        return None
    return converted if isfinite(converted) else None


def count(value: object) -> int | None:
    """A number of tokens, which is not negative."""
    converted = number(value)
    return int(converted) if converted is not None and 0 <= converted < _MOST_TOKENS else None
