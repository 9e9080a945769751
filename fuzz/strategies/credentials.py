"""Credentials files: entries with all their keys, right and wrong, and the bytes that editors and other programs leave."""

import json
from typing import Any

from hypothesis import strategies as st

from fuzz.strategies import json_values
from fuzz.strategies.damage import JSON_PIECES, damaged
from tests.credentials.entries import fresh, idc, social

KEYS = [
    "id", "accessToken", "refreshToken", "profileArn", "expiresAt", "authMethod", "clientId", "clientSecret", "priority",
    "region", "authRegion", "apiRegion", "machineId", "email", "subscriptionTitle", "proxyUrl", "proxyUsername",
    "proxyPassword", "disabled", "kiroApiKey", "endpoint", "arnMode", "provider", "concurrency", "tokenLineage",
    "something",
]  # fmt: skip

_GOOD = st.sampled_from(
    [
        social("a"),
        social("b", id=2, priority=3, email="b@example.invalid"),
        idc("c", region="eu-west-1", provider="BuilderId"),
        fresh("d", profileArn="arn:aws:codewhisperer:us-east-1:1:profile/X", proxyUrl="socks5://h:1"),
        {"kiroApiKey": "ksk_dummy", "id": 9},
    ]
)
_ODD_KEYS = st.dictionaries(
    st.sampled_from(KEYS), json_values.values() | st.sampled_from(json_values.ODD), max_size=3
)

entries: st.SearchStrategy[Any] = st.one_of(
    _GOOD,
    st.builds(lambda entry, odd: entry | odd, _GOOD, _ODD_KEYS),
    st.builds(
        lambda entry, more: entry | {f"x-{key}": value for key, value in more.items()},
        _GOOD,
        json_values.objects(),
    ),
    _ODD_KEYS,
    json_values.values(),
)
"""Entries as a file may hold them: good ones, with a key that is wrong, with keys that nobody knows, and no entries at all."""

_DOCUMENTS = (st.lists(entries, max_size=3) | entries).map(lambda value: json.dumps(value, indent=1).encode())
files = _DOCUMENTS | damaged(_DOCUMENTS, JSON_PIECES) | st.binary(max_size=30)
"""The bytes of a file."""
