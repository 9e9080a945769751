"""Characters that were cut in two: programs that count in UTF-16 cut texts in the middle of a surrogate pair.

A half has no UTF-8, so it can neither be sent on nor logged; a half that stays alone becomes U+FFFD. Clients do it to texts that
they shorten; for Kiro see docs/wire.md, "Event types".
"""

import re

_HALF = re.compile("[\ud800-\udfff]")
_ALONE = "\ufffd"


def whole_characters(text: str) -> str:
    """`text` with its halves put together where they fit; what has none comes back as it is."""
    if text.isascii() or not _HALF.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class WholeCharacters:
    """Puts halves together in a text that comes in pieces. Holds back one half at most."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """Take in more text and give what is whole."""
        if text.isascii() and not self._held:
            return text
        text, self._held = self._held + text, ""
        if "\ud800" <= text[-1:] <= "\udbff":
            text, self._held = text[:-1], text[-1]
        return whole_characters(text)

    def end(self) -> str:
        """Give what stands for the half that was held back; "" if there is none."""
        held, self._held = self._held, ""
        return _ALONE if held else ""
