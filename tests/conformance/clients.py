"""Recorded requests by client version: each folder here is one, `clients/NAME-VERSION/*.json`, and so is the shared corpus.

A file is `{client, tags, method, target, headers, body}`. So a new version of a client is a new folder, and nothing else.
"""

import json
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

from tests.shared import corpus

FOLDER = Path(__file__).with_name("clients")

Record = dict[str, Any]


@cache
def recorded() -> dict[str, dict[str, Record]]:
    """All records by client version and name."""
    found: dict[str, dict[str, Record]] = defaultdict(dict)
    for path in sorted(FOLDER.glob("*/*.json")):
        found[path.parent.name][path.stem] = json.loads(path.read_bytes())
    for name, record in corpus().items():
        found[record["client"]][name] = record
    return dict(sorted(found.items()))


def path_of(record: Record) -> str:
    return record["target"].partition("?")[0]


def is_message(record: Record) -> bool:
    """Whether it asks for a message that the gateway can give."""
    asks = record["method"] == "POST" and path_of(record).endswith("/v1/messages")
    return asks and "thread" not in record["body"]


def header(record: Record, name: str) -> str:
    return next((value for key, value in record["headers"] if key.lower() == name), "")
