"""Requests over HTTP, made of the documents that we publish: fitting ones, spoiled ones, and some that no document knows."""

import json

import msgspec
from hypothesis import strategies as st

from fuzz.strategies import requests as anthropic
from kiro_trio.admin import openapi
from kiro_trio.admin.table import ROUTES
from kiro_trio.web.openapi import document
from tests.conformance.openapi import Asked, Document

OWNERS = Document(json.loads(msgspec.json.encode(openapi.document(ROUTES))))
CLIENTS = Document(json.loads(msgspec.json.encode(document())))

_IDS = {
    "id": ["1", "2", "3", "0", "77", "abc", "-1", "9" * 15, "9" * 40, "1%2F..%2F2"],
    "request": ["req_1", "%00", "..%2F..%2Fetc", "x" * 200],
    "key": ["key_1", "default", "%0d%0a"],
    "signIn": ["signin_1", "%2e%2e"],
}
_MODELS = ["claude-sonnet-4-5", "claude-opus-4.8", "x", "..%2F..%2Fetc%2Fpasswd", "%00", "%0d%0a", "a/b", "x" * 300, "x-max" * 400]  # fmt: skip

# Words that get further than made-up ones.
_BETTER_OF_OWNERS = {
    "provider": st.sampled_from(["google", "builder-id", "idc"]),
    "startUrl": st.sampled_from(["https://d-1.awsapps.com/start", ""]),
    "region": st.sampled_from(["us-east-1", "", "nowhere"]),
    "refreshToken": st.just("r" * 120),
    "stores": st.just([]),
}
_BETTER_OF_CLIENTS = {
    "model": st.sampled_from(["claude-sonnet-4-5", "claude-opus-4-8", "nobody"]),
    "max_tokens": st.integers(0, 4096),
}

# One needs the key and counts wrong ones, one never ends.
_LEFT_OUT = r"POST .*/session$|/events$"

of_owners = OWNERS.requests(_IDS, _LEFT_OUT, _BETTER_OF_OWNERS)

_REAL = st.builds(
    lambda path, body: Asked("POST", path, path, content=body),
    st.sampled_from(("/v1/messages", "/v1/messages", "/cc/v1/messages", "/v1/messages/count_tokens")),
    anthropic.as_sent | anthropic.meant | anthropic.meant | anthropic.garbled,
)
of_clients = CLIENTS.requests({"model_id": _MODELS}, more=_BETTER_OF_CLIENTS) | _REAL

headers = st.dictionaries(
    st.sampled_from(
        (
            "x-claude-code-session-id", "x-claude-code-agent-id", "anthropic-beta", "anthropic-version", "accept", "cookie",
            "expect", "range", "x-request-id",
        )
    ),
    st.sampled_from(("", "0", "1" * 5000, "%00")) | st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20),
    max_size=2,
)  # fmt: skip
