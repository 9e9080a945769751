"""Fence: an answer that was asked for as bare JSON, without the code fence that models like to put round it.

Kiro has no field for the form of an answer, so it is asked for in words (`kiro_trio.kiro.system`), and models obey words
mostly. Source: docs/wire.md, "Request body".
"""

import re

import msgspec

# The beginning of an answer: a fence, what may still become one, anything else.
_OPENING = re.compile(r"\s*```(?:json|jsonc)?[ \t]*\r?\n", re.IGNORECASE)
_MAYBE_OPENING = re.compile(r"\s*`{0,2}|\s*```[a-z]{0,5}[ \t]*\r?", re.IGNORECASE)

# The end: a fence and what may still become one, both with the white space round them.
_CLOSING = re.compile(r"\s*```\s*")
_MAYBE_CLOSING = re.compile(r"(?<!\s)(?<!`)\s*`{0,3}\s*\Z")

# So much white space is not held back in the hope of a fence.
_LONGEST = 200


class Unfenced:
    """Takes an answer in pieces and gives it back without its fence; what has none comes back as it is.

    Only a fence round the whole answer goes. Less than 200 characters are held back at a time.
    """

    def __init__(self) -> None:
        self._held = ""
        self._begun = False
        self._fenced = False
        self._before = (
            ""  # the last character that was given back: four backticks are no fence, also in pieces
        )
        self._given: list[str] = []

    @property
    def is_json(self) -> bool:
        """Whether what was given back so far is one JSON value."""
        try:
            msgspec.json.decode("".join(self._given))
        except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
            return False
        return True

    def feed(self, text: str) -> str:
        """Take in more of the answer and give back what is decided."""
        text, self._held = self._held + text, ""
        if not self._begun:
            opening = _OPENING.match(text)
            if opening is None and _MAYBE_OPENING.fullmatch(text) and len(text) < _LONGEST:
                self._held = text
                return ""
            self._begun, self._fenced = True, opening is not None
            text = text[opening.end() :] if opening else text
        if self._fenced:
            seen = len(self._before)
            tail = _MAYBE_CLOSING.search(self._before + text, max(seen, len(text) - _LONGEST))
            if tail is not None:
                text, self._held = text[: tail.start() - seen], text[tail.start() - seen :]
            self._before = text[-1:] or self._before
        self._given.append(text)
        return text

    def end(self) -> str:
        """Give back what was held, for the answer is over or something else comes between."""
        held, self._held = self._held, ""
        if self._fenced and _CLOSING.fullmatch(held):
            return ""
        self._given.append(held)
        return held
