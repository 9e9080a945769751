"""The model's own words on their way to the client: thinking told from answer, and an end where the client wants one."""

from bisect import bisect_right

from kiro_trio.conversation.characters import WholeCharacters
from kiro_trio.conversation.reply import Finished, StopReason, TextDelta, ThinkingDelta
from kiro_trio.conversation.tokens import UNITS_PER_TOKEN, Tally, text_units, tokens_of
from kiro_trio.kiro.fence import Unfenced
from kiro_trio.kiro.stop_sequences import StopSequences
from kiro_trio.kiro.thinking import TAGS, Span, ThinkingSplitter

# Kiro has no field for a limit of the output, and we only estimate tokens: so the client's limit is a ceiling that cuts
# when it is clearly exceeded. The estimate is at most a fifth too high for 95 of 100 texts; short ones get some air.
_CEILING_FACTOR = 1.5
_CEILING_AIR = 32
_MOST_TOKENS = 2**40  # whatever a client writes, no reply is longer


class Speech:
    """What the model says, in order, as spans of thinking and answer; and an estimate of its tokens.

    After `end` is set, what the model says is not heard any more. The estimate does not depend on how words come in
    pieces.

    Attributes:
        end: How the client's limits ended the reply, or None.
        said_text: Whether there was an answer of more than white space.
    """

    def __init__(
        self,
        *,
        thinking_tags: bool,
        max_tokens: int | None,
        stop_sequences: tuple[str, ...],
        bare_json: bool = False,
    ) -> None:
        self.end: Finished | None = None
        self.said_text = False
        self._characters = WholeCharacters()
        self._splitter = ThinkingSplitter(TAGS if thinking_tags else ())
        self._stops = StopSequences(stop_sequences)
        self._fence = Unfenced() if bare_json else None
        self._ceiling: int | None = None
        if max_tokens is not None:
            max_tokens = min(max_tokens, _MOST_TOKENS)
            # With 0 a client wants the prompt read, and cached, and no answer at all.
            air = _CEILING_AIR if max_tokens else 0
            self._ceiling = int((max_tokens * _CEILING_FACTOR + air) * UNITS_PER_TOKEN)
        self._visible = Tally()  # answer and calls; the ceiling is for these
        self._hidden = Tally()  # thinking

    @property
    def said_thinking(self) -> bool:
        """Whether there was any thinking to be read."""
        return self._hidden.units > 0

    @property
    def lacks_json(self) -> bool:
        """Whether an answer was given that should have been JSON and is not."""
        return self._fence is not None and self.said_text and not self._fence.is_json

    @property
    def tokens(self) -> int:
        """The estimate for everything that was said."""
        return tokens_of(self._visible.units + self._hidden.units)

    def hear(self, text: str) -> list[Span]:
        """Take in more of the model's text and give what is decided."""
        spans: list[Span] = []
        if self.end is None:
            for span in self._splitter.feed(self._characters.feed(text)):
                self._limit(span, spans)
        return spans

    def pause(self) -> list[Span]:
        """Give what was held back of the text, for something else comes next."""
        spans = self.hear(half) if (half := self._characters.end()) else []
        if self.end is None:
            for span in self._splitter.end():
                self._limit(span, spans)
            self._answer(TextDelta(self._stops.flush()), spans)
            self._unfence(spans)
        return spans

    def goes_on(self) -> bool:
        """Whether something else than text may begin now: the reply ends here if the ceiling has been reached."""
        if self.end is None and self._ceiling is not None and self._visible.units >= self._ceiling:
            self.end = Finished(StopReason.MAX_TOKENS)
        return self.end is None

    def count_thinking(self, text: str) -> None:
        """Count thinking that did not come as text."""
        self._hidden.add(text)

    def count_call(self, piece: str) -> None:
        """Count a piece of a tool call."""
        self._visible.add(piece)

    def _limit(self, span: Span, spans: list[Span]) -> None:
        if type(span) is ThinkingDelta:
            if self.goes_on():
                self._hidden.add(span.text)
                spans.append(span)
        elif not self._stops.sequences:
            self._answer(span, spans)
        else:
            self._answer(TextDelta(self._stops.feed(span.text)), spans)
            if self._stops.found is not None and self.end is None:
                self._unfence(spans)
                self.end = Finished(StopReason.STOP_SEQUENCE, self._stops.found)

    def _answer(self, span: Span, spans: list[Span]) -> None:
        if self._fence is not None:
            span = TextDelta(self._fence.feed(span.text))
        self._give(span, spans)

    def _unfence(self, spans: list[Span]) -> None:
        if self._fence is not None:
            self._give(TextDelta(self._fence.end()), spans)

    def _give(self, span: Span, spans: list[Span]) -> None:
        if not span.text or self.end is not None:
            return
        if self._ceiling is not None and self._visible.may_exceed(self._ceiling, span.text):
            left = self._ceiling - self._visible.units
            if text_units(span.text) > left:
                self.end = Finished(StopReason.MAX_TOKENS)
                span = TextDelta(_beginning(span.text, left))
        if span.text:
            self._visible.add(span.text)
            self.said_text = self.said_text or not span.text.isspace()
            spans.append(span)


def _beginning(text: str, units: int) -> str:
    """As much of the beginning of `text` as fits into so many units."""
    fitting = bisect_right(range(1, len(text) + 1), units, key=lambda end: text_units(text[:end]))
    return text[:fitting]
