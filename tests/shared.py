"""Where the recorded requests and conformance vectors live that are not part of this repository.

They stand in a folder `shared/` beside the checkout (or where `KIRO_TRIO_SHARED` points). Whoever has it runs
more tests; whoever has not sees them skipped by name, and the repository's own data covers the same classes.
"""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_CANDIDATE = Path(os.environ.get("KIRO_TRIO_SHARED") or Path(__file__).resolve().parents[2] / "shared")
SHARED: Path | None = _CANDIDATE if (_CANDIDATE / "corpus").is_dir() else None

needs_shared = pytest.mark.skipif(
    SHARED is None, reason="needs the recorded corpus (folder shared/ beside the checkout)"
)


@cache
def corpus() -> dict[str, dict[str, Any]]:
    """Recorded requests by file name: each has client, tags, method, target, headers and body."""
    if SHARED is None:
        return {}
    return {path.stem: json.loads(path.read_bytes()) for path in sorted((SHARED / "corpus").glob("*.json"))}


def messages_corpus() -> dict[str, dict[str, Any]]:
    """Only the `POST .../v1/messages` requests of the corpus."""
    return {
        name: record
        for name, record in corpus().items()
        if record["method"] == "POST" and record["target"].partition("?")[0].endswith("/v1/messages")
    }
