"""Anthropic requests: those that clients really sent, and what becomes of them when something in them is changed."""

import json
from functools import cache
from typing import Any

from hypothesis import strategies as st

from fuzz.strategies.damage import JSON_PIECES, damaged
from fuzz.strategies.json_values import changed, encoded, one_of_many
from tests.conformance.clients import recorded
from tests.dialects.anthropic.requests import SAMPLES

# Changing one place in a body takes as long as the body is; the long ones differ from the others in length only.
_LONGEST = 40_000


@cache
def bodies() -> list[dict[str, Any]]:
    """Samples of every class, and the recorded bodies of this repository and of the shared corpus if that is there."""
    found = [json.loads(sample) for sample in SAMPLES.values()]
    all_records = (record for records in recorded().values() for record in records.values())
    return found + [record["body"] for record in all_records if _is_short(record["body"])]


def _is_short(body: Any) -> bool:
    return isinstance(body, dict) and len(json.dumps(body)) < _LONGEST


_BODIES = st.deferred(lambda: one_of_many(bodies()))
as_sent = _BODIES.map(encoded)
meant = changed(_BODIES).map(encoded)
"""JSON still, but something in it is not what it should be."""
garbled = damaged(as_sent, JSON_PIECES) | st.binary(max_size=60)
"""Bytes that need not be JSON any more."""
