"""Any bytes are accounts or a clear error that names the file, and what we write into it loses nothing of anybody's.

A renewal is in the file afterwards, every key that is not ours is as it was, and so are entries that are none; what cannot be understood is not
touched. No text that the owner sees holds a secret.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from fuzz.strategies.credentials import files
from kiro_trio.credentials.credential import Defaults
from kiro_trio.credentials.document import InvalidFile
from kiro_trio.credentials.file import CredentialsFile
from tests.credentials.entries import ENDPOINTS, rotated

BOUNDED = 120
EXAMPLES = st.tuples(files, st.integers(0, 4))
"""The bytes of the file, and which of its accounts is renewed."""

_OURS = {"id", "machineId", "tokenLineage"}
_RENEWED = rotated("new")
_SECRETS = ("accessToken", "refreshToken", "clientSecret", "kiroApiKey", "proxyPassword")


def bytes_of(example: tuple[bytes, int]) -> bytes:
    return example[0]


def check(example: tuple[bytes, int]) -> None:
    data, which = example
    with tempfile.TemporaryDirectory() as folder:
        _check(Path(folder) / "credentials.json", data, which)


def check_bytes(data: bytes) -> None:
    for which in range(2):
        check((data, which))


def _check(path: Path, data: bytes, which: int) -> None:
    path.write_bytes(data)
    file = CredentialsFile(path, Defaults(endpoints=ENDPOINTS))
    try:
        file.open()
    except InvalidFile as error:
        problem = str(error)
    else:
        problem = ""
    if problem:
        assert problem.startswith(f"{path}: ")
        _check_text(problem, [])
        assert path.read_bytes() == data, "what cannot be understood is not touched"
        return
    before = _entries(data)
    single = _text(data).startswith("{")
    _check_written(path, before, {}, single=single)
    accounts = [
        number for number, account in file.credentials().items() if not (account.flaw or account.api_key)
    ]
    if accounts:
        renewed = accounts[which % len(accounts)]
        file.save(renewed, _RENEWED)
        _check_written(path, before, {renewed: _RENEWED}, single=single)
    accounts, flaws = file.picture()
    for text in (*flaws, repr(accounts), file.problem, file.place_problem):
        _check_text(text, before)


def _check_written(
    path: Path, before: list[Any], changes: dict[int, dict[str, str]], *, single: bool
) -> None:
    data = path.read_bytes()
    after = _entries(data)
    assert len(after) == len(before)
    assert _text(data)[:1] == ("{" if single else "[") or not _text(data), "an array stays an array"
    for old, new in zip(before, after, strict=True):
        if not isinstance(old, dict):
            assert json.dumps(new) == json.dumps(old)
            continue
        ours = changes.get(new["id"], {})
        for key, value in old.items():
            assert key in _OURS or key in ours or json.dumps(new[key]) == json.dumps(value), key
        assert ours.items() <= new.items()


def _text(data: bytes) -> str:
    return data.decode("utf-8-sig").strip()


def _entries(data: bytes) -> list[Any]:
    value = json.loads(_text(data) or "[]", parse_constant=_no_constant)
    return value if isinstance(value, list) else [value]


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def _check_text(text: str, entries: list[Any]) -> None:
    """One line that can be printed, without a secret of any entry."""
    assert text.encode() or not text, "it can be printed"
    assert "\n" not in text
    for entry in entries:
        for key in _SECRETS if isinstance(entry, dict) else ():
            secret = entry.get(key)
            if (
                isinstance(secret, str)
                and len(secret.strip()) > len("accessToken")
                and not _is_shown(secret, entry)
            ):
                assert secret.strip() not in text


def _is_shown(secret: str, entry: dict[str, Any]) -> bool:
    """Whether the same words stand in a field that is no secret, such as the name of a plan."""
    return any(key not in _SECRETS and secret.strip() in str(value) for key, value in entry.items())
