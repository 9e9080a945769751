"""Characters that were cut in two: programs that count in UTF-16 cut texts in the middle of a surrogate pair.

A half has no UTF-8, so it can neither be sent on nor logged; a half that stays alone becomes U+FFFD. Clients do it to texts that
they shorten; for Kiro see docs/wire.md, "Event types".
"""

import re

_HALF = re.compile("[\ud800-\udfff]")
_HALF_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
# An escape of JSON: a whole pair, a half that stays alone, anything else.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_ALONE = "\ufffd"


def whole_characters(text: str) -> str:
    """`text` with its halves put together where they fit; what has none comes back as it is."""
    if text.isascii() or not _HALF.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def whole_escapes(json_text: str) -> str:
    """JSON text without escapes of halves that stay alone: some parsers refuse all of it for one of them."""
    if not _HALF_ESCAPE.search(json_text):
        return json_text
    return _ESCAPE.sub(lambda escape: r"\ufffd" if escape[1] else escape[0], json_text)


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
