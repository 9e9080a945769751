"""The secrets that a test uses, and how one of them, or a piece of one, is found in a text.

Three ways lead to them, and none asks the code under test. By shape: whatever looks like a key or a token, and the mark in
everything that the simulator makes up. By their place: under a secret's name in a file of the test or in the environment
of a program. By birth: keys, cookies and verifiers are drawn from `secrets`, which is overheard. What the gateway itself
calls a secret is sought as well.
"""

import json
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kiro_trio.simulator.accounts import MARK

PIECE = 12
"""So many letters in a row give a secret away; of a shorter one all must be there."""

SHORTEST = 4
"""The gateway hides nothing that is shorter, and says so."""

_ANY_WORD = re.compile(r"""[^\s"',;=(){}\[\]<>]+""")
_WORD = re.compile(rf"{_ANY_WORD.pattern[:-1]}{{{PIECE},}}")
_MIXED = 5
_LARGEST_FILE = 2**20

_SHAPE = re.compile(rf"{MARK}|(?<![\w-])sk-[\w-]{{4}}|\bksk_\w|(?<![A-Za-z0-9])ao[ar][\w-]{{4}}|\beyJ\w{{6}}")
_NAMED = r"\w*(?:token|secret|key|passw(?:or)?d|verifier|device_?code)"
_ENTRY = re.compile(rf'"({_NAMED})"\s*:\s*"([^"\\]{{{SHORTEST},}})"', re.IGNORECASE)
_VARIABLE = re.compile(rf"{_NAMED}\Z", re.IGNORECASE)


class Sought:
    """The secrets of one test after another."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def add(self, value: object, what: str) -> None:
        """Look out for `value`, which is `what`."""
        if isinstance(value, str) and len(value) >= SHORTEST:
            self.values.setdefault(value, what)

    def add_environment(self, environ: Mapping[str, Any]) -> None:
        """What a program or a gateway is given under the name of a secret."""
        for name, value in environ.items():
            if _VARIABLE.search(name):
                self.add(value, name)

    def add_files(self, folder: Path) -> None:
        """What stands in JSON files under the name of a secret."""
        for path in folder.rglob("*.json*"):
            if path.is_file() and path.stat().st_size <= _LARGEST_FILE:
                for name, value in _ENTRY.findall(path.read_bytes().decode(errors="replace")):
                    self.add(value, f"{name} in {path.name}")

    def within(self, text: str) -> Iterator[tuple[str, str]]:
        """All that gives a secret away: the piece that was found, and what it is."""
        for found in _SHAPE.finditer(text):
            yield text[found.start() : found.end()], "looks like a secret"
        words = set(_WORD.findall(text))
        said = {piece for word in words for piece in _pieces(word)}
        for value, what in self.values.items():
            for form in _forms(value):
                if pieces := _pieces_of_secret(form):
                    if common := said & pieces:
                        yield min(common), what
                elif form in text:
                    yield form, what


sought = Sought()
"""Of the test that runs."""


def masked(text: str, pieces: Iterable[str]) -> str:
    """`text` with little left of the words that one of these is in."""
    for piece in pieces:
        if " " in piece:
            text = text.replace(piece, f"{piece[:2]}…")
    return _ANY_WORD.sub(
        lambda found: f"{found[0][:4]}…" if any(piece in found[0] for piece in pieces) else found[0], text
    )


def overhear_births(sought: Sought) -> None:
    """Whatever is drawn from `secrets` as a text or as the bytes of a proof is sought. To be called before the gateway is imported."""
    text, data = secrets.token_urlsafe, secrets.token_bytes

    @wraps(text)
    def token_urlsafe(nbytes: int | None = None) -> str:
        drawn = text(nbytes)
        sought.add(drawn, "drawn at random")
        return drawn

    @wraps(data)
    def token_bytes(nbytes: int | None = None) -> bytes:
        drawn = data(nbytes)
        sought.add(urlsafe_b64encode(drawn).decode().rstrip("="), "drawn at random")
        return drawn

    secrets.token_urlsafe, secrets.token_bytes = token_urlsafe, token_bytes


def _pieces(text: str) -> set[str]:
    return {text[place : place + PIECE] for place in range(len(text) - PIECE + 1)}


@lru_cache(10_000)
def _pieces_of_secret(secret: str) -> frozenset[str]:
    """What gives it away; nothing if it is short, or has too few different letters: then all of it must be there."""
    words = _WORD.findall(secret)
    return frozenset(piece for word in words for piece in _pieces(word) if len(set(piece)) >= _MIXED)


@lru_cache(10_000)
def _forms(secret: str) -> Iterable[str]:
    return {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}
