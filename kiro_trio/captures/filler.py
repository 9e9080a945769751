"""What stands in the place of words: as long as they were, of the same classes of characters, and meaning nothing."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from math import isfinite
from string import ascii_lowercase, ascii_uppercase, digits

# What our own code looks for in a text, and what makes an address one.
_KEPT = re.compile(r"(</?(?:thinking|system-reminder)>|https?://)")

_TWO_BYTES, _THREE_BYTES, _FOUR_BYTES = 0x800, 0x10000, 0x110000
_STRANGE = ((_TWO_BYTES, "ÿ"), (_THREE_BYTES, "一"), (_FOUR_BYTES, "𐐀"))
"""What stands for letters beyond ASCII, by the bytes that they take."""

_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_COLON = re.compile(r"\s*:")
_ESCAPE = re.compile(r"(\\(?:u[0-9A-Fa-f]{0,4}|.|\Z))", re.DOTALL)
_BARE = re.compile(r"\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\w+")
_LITERALS = frozenset(
    {"true", "false", "null", "Infinity", "NaN"}
)  # the last two are not JSON, but Python reads them

_USER_ID = frozenset({"account_uuid", "device_id", "session_id"})
"""What Claude Code's `user_id` is made of; their values go."""

_LARGE = 10_000
"""Numbers from here on may name somebody; smaller ones are counts and limits."""

_FIRST_PRINTABLE = 0x20
_SURROGATES = range(0xD800, 0xE000)

_LETTERS = "bcdfghjklmnpqrstvwz"
_OTHERS = {
    **dict.fromkeys("xX0", _LETTERS),
    "ÿ": "àáâãäåæçèéêëìíîïðñò",
    "一": "丁七万丈三上下不与丐丑专且丕世丘丙业丛",
    "𐐀": "𐐁𐐂𐐃𐐄𐐅𐐆𐐇𐐈𐐉𐐊𐐋𐐌𐐍𐐎𐐏𐐐𐐑𐐒𐐓",
}
"""What may stand for a letter so that two labels stay unlike: as many bytes."""


class _Table(dict[int, int | str]):
    """For `str.translate`; what is beyond ASCII is looked up once."""

    def __missing__(self, code: int) -> int | str:
        known: int | str = code
        if unicodedata.category(chr(code))[0] in "LMN":
            known = next(letter for beyond, letter in _STRANGE if code < beyond)
        if code < _THREE_BYTES:
            self[code] = known
        return known


_TABLE = _Table(enumerate(range(128)))
_TABLE |= dict.fromkeys(map(ord, ascii_lowercase), "x")
_TABLE |= dict.fromkeys(map(ord, ascii_uppercase), "X")
_TABLE |= dict.fromkeys(map(ord, digits), "0")


def without_words(text: str) -> str:
    """`text` with every letter and digit replaced by one that stands for all of its class."""
    parts = _KEPT.split(text)
    return "".join(part if number % 2 else part.translate(_TABLE) for number, part in enumerate(parts))


class Filled(str):
    """A text that is filled already, and is not filled again."""

    __slots__ = ()


class Filler:
    """Fills the places of one capture, each in its way.

    Args:
        mask: Writes over the secrets in a text; does so where words may stay.
        words: Words stay; only secrets go.
        names: Words that are no prose: names of tools and of their parameters.
    """

    def __init__(self, mask: Callable[[str], str], *, words: bool = False, names: Iterable[str] = ()) -> None:
        self.mask = mask
        self.words = words
        self.names = frozenset(names) | _USER_ID
        self.filled: list[str] = []
        self._labels: dict[str, str] = {}
        self._taken: set[str] = set()
        self._others: dict[str, Iterator[tuple[str, ...]]] = {}

    def prose(self, text: str) -> str:
        """What somebody says."""
        if isinstance(text, Filled):
            return str(text)
        if self.words:
            return self.mask(text)
        self.filled.append(text)
        return without_words(text)

    def label(self, text: str) -> str:
        """A short text that must stay unlike others, such as a key: equal ones stay equal."""
        if self.words or text in self.names:
            return self.mask(text)
        return self._label(text, text)

    def _label(self, text: str, plain: str) -> str:
        if text not in self._labels:
            label = self._labels[text] = self._unlike(self.prose(plain))
            self._taken.add(label)
        return self._labels[text]

    def number(self, value: int | float) -> int | float:  # noqa: PYI041 - one stays what it is
        """A number in somebody's data."""
        if self.words or abs(value) < _LARGE or not isfinite(value):
            return value
        if isinstance(value, float):
            return 1e9 if value > 0 else -1e9
        return int("1" * len(str(abs(value)))) * (1 if value > 0 else -1)

    def json_text(self, text: str) -> str:
        """JSON as text, which may be cut anywhere or be broken; it stays as whole or as broken as it was."""
        if self.words or isinstance(text, Filled):
            return self.prose(text)
        filled, place = [], 0
        for string in _STRING.finditer(text):
            filled.append(self._bare(text[place : string.start()]))
            key = _COLON.match(text, string.end()) is not None
            filled.append(self._string(string[0], key=key))
            place = string.end()
        filled.append(self._bare(text[place:]))
        return "".join(filled)

    def _string(self, literal: str, *, key: bool) -> str:
        closed = len(literal) > 1 and literal.endswith('"')
        inner = literal[1:-1] if closed else literal[1:]
        if key and inner in self.names:
            return literal
        if key:  # what is escaped in it could be anybody's letter: as long in plain ones, it can be told from others
            plain = _ESCAPE.sub(lambda found: "x" * len(found[0]), inner)
            return f'"{self.label(inner) if plain == inner else self._label(literal, plain)}"'
        parts = _ESCAPE.split(inner)
        filled = (_escape(part) if number % 2 else self.prose(part) for number, part in enumerate(parts))
        end = '"' if closed else ""
        return f'"{"".join(filled)}{end}'

    def _bare(self, text: str) -> str:
        return _BARE.sub(lambda found: _bare_word(found[0]), text)

    def _unlike(self, text: str) -> str:
        """`text`, or if somebody has it, changed at its end; if no change is left, as it is."""
        if text not in self._taken:
            return text
        places = [number for number, letter in enumerate(text) if letter in _OTHERS][-3:]
        others = self._others.setdefault(text, product(*(_OTHERS[text[place]] for place in places)))
        for letters in others if places else ():
            changed = list(text)
            for place, letter in zip(places, letters, strict=True):
                changed[place] = letter
            if (candidate := "".join(changed)) not in self._taken:
                return candidate
        return text


def _escape(escape: str) -> str:
    """An escape of a JSON string; a letter may be spelt with one too, and then goes."""
    if len(escape) < len("\\u0000"):
        return escape
    code = int.from_bytes(bytes.fromhex(escape[2:]))
    return escape if code < _FIRST_PRINTABLE or code in _SURROGATES else "\\u0078"


def _bare_word(word: str) -> str:
    if word in _LITERALS:
        return word
    if not word.lstrip("-")[:1].isdigit():
        return without_words(word)
    return word if len(word) < len(str(_LARGE)) else re.sub(r"\d", "1", word)
