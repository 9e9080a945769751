"""Any file and any environment are settings, or one clear sentence that names the place; no secret is in it, nor in a warning.

What one setting says does not depend on the others, so all are given in one file, most of them right.
"""

import json
import tempfile
from pathlib import Path

from hypothesis import strategies as st

from fuzz.strategies import json_values
from fuzz.strategies.damage import JSON_PIECES, damaged
from kiro_trio.settings import Settings, SettingsError, load_settings
from kiro_trio.settings.table import rows

BOUNDED = 150

_ROWS = rows()
_SECRET = "sk-dummy-zqSECRETqz"
_TEXTS = st.sampled_from(
    [
        "", " ", "true", "0", "8080", "127.0.0.1", "::1", "0.0.0.0", "us-east-1", "http://h:1", "http://h:99999", "http://[", "socks5://u:p@h",  # noqa: S104
        "{}", "[" * 3000, "\0", "é", "x" * 300, "direct", "info", "[]", "9" * 5000, "/nowhere", _SECRET,
    ]
)  # fmt: skip
_ANY = _TEXTS | json_values.values() | st.sampled_from(json_values.ODD)
_KEYS = st.sampled_from([row.key for row in _ROWS] + ["unknown", "\ud83d", "two\nlines"])
_CONTENTS = st.dictionaries(_KEYS, _ANY, max_size=4)
_FILES = st.one_of(
    _CONTENTS.map(json_values.encoded),
    damaged(_CONTENTS.map(json_values.encoded), JSON_PIECES),
    st.binary(max_size=20),
)
_VARIABLES = st.sampled_from([row.variable for row in _ROWS] + ["KIRO_TRIO_UNKNOWN"])
EXAMPLES = st.tuples(
    _FILES, st.dictionaries(_VARIABLES, _TEXTS.filter(lambda text: "\0" not in text), max_size=2)
)


def bytes_of(example: tuple[bytes, dict[str, str]]) -> bytes:
    return example[0]


def check(example: tuple[bytes, dict[str, str]]) -> None:
    data, environ = example
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.json"
        path.write_bytes(data)
        texts = _texts(path, environ)
    secret = any(_given(data, environ, row) for row in _ROWS if row.secret)
    for text in texts:
        assert text.encode(), "it can be printed"
        assert "\n" not in text
        assert not secret or _SECRET not in text or _given_openly(data, environ)


def check_bytes(data: bytes) -> None:
    check((data, {}))


def _texts(path: Path, environ: dict[str, str]) -> list[str]:
    """What the owner reads."""
    try:
        loaded = load_settings(path, environ)
    except SettingsError as error:
        place, message = error.place, str(error)
    else:
        assert isinstance(loaded.settings, Settings)
        return [*loaded.warnings, repr(loaded.settings)]
    assert message.startswith(f"{place} ")
    assert place.where == str(path) or place.where in environ
    assert not place.key or place.key in json.loads(path.read_text("utf-8-sig"))
    return [message]


def _given(data: bytes, environ: dict[str, str], row) -> bool:
    return environ.get(row.variable) == _SECRET or _value(data, row.key) == _SECRET


def _given_openly(data: bytes, environ: dict[str, str]) -> bool:
    """Whether the secret stands where no secret belongs: that is shown."""
    return any(_given(data, environ, row) for row in _ROWS if not row.secret)


def _value(data: bytes, key: str):
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except ValueError:
        return None
    return content.get(key) if isinstance(content, dict) else None
