"""Stop sequences: where a client wants the answer to end. Kiro has no field for them, so we end it."""


class StopSequences:
    """Finds the first of some sequences in a text that comes in pieces.

    The first is the one that ends first, as for a model that stops as soon as it has said one; of several that end
    there, the longest. Holds back no more than what may be the beginning of one. Empty sequences are ignored.
    """

    __slots__ = ("_held", "found", "sequences")

    def __init__(self, sequences: tuple[str, ...]) -> None:
        self.sequences = sorted(filter(None, sequences), key=len, reverse=True)
        self._held = ""
        self.found: str | None = None
        """The sequence at which the text ended; nothing behind it counts."""

    def feed(self, text: str) -> str:
        """Take in more text and give what is certainly before any sequence."""
        if self.found is not None:
            return ""
        text = self._held + text
        self._held = ""
        ends = [
            (start + len(sequence), start, sequence)
            for sequence in self.sequences
            if (start := text.find(sequence)) >= 0
        ]
        if ends:
            _, start, self.found = min(ends)
            return text[:start]
        held = max((_overlap(text, sequence) for sequence in self.sequences), default=0)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def flush(self) -> str:
        """Give what was held back: something that no sequence can reach across comes next, or the end."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, sequence: str) -> int:
    """How many characters at the end of `text` are a proper beginning of `sequence`."""
    start = max(0, len(text) - len(sequence) + 1)
    while (start := text.find(sequence[0], start)) >= 0:
        if sequence.startswith(text[start:]):
            return len(text) - start
        start += 1
    return 0
