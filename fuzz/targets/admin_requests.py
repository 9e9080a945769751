"""Whatever the owner's API is asked, one request after another, the answer is one that is published, and never a bug of ours."""

import json
import tempfile
from pathlib import Path

import structlog
import trio
from hypothesis import Phase
from hypothesis import strategies as st

from fuzz.strategies import published
from tests.admin.owner import ADMIN_KEY, owner
from tests.conformance.openapi import Asked
from tests.end_to_end.house import KEY

BOUNDED = 4  # each is a gateway of its own
EXAMPLES = st.lists(published.of_owners, min_size=30, max_size=80)
# To make a failing list shorter takes minutes, and the assertion names the one request that failed.
PHASES = (Phase.explicit, Phase.generate)

_NEVER = {401, 403, 500, 503}


def check(asked: list[Asked]) -> None:
    with tempfile.TemporaryDirectory() as folder, structlog.testing.capture_logs():
        trio.run(_ask_all, Path(folder), asked)


async def _ask_all(folder: Path, asked: list[Asked]) -> None:
    (folder / "config.json").write_text(json.dumps({"apiKey": KEY, "adminApiKey": ADMIN_KEY}))
    async with owner(folder) as me:
        for one in asked:
            headers = {"x-api-key": ADMIN_KEY, "x-forwarded-for": "203.0.113.7", "content-type": one.kind}
            answer = await me.here.http.request(
                one.method, one.url, params=one.query, content=one.content, headers=headers
            )
            assert answer.status_code not in _NEVER, (one, answer.text)
            assert published.OWNERS.problems(one, answer) == [], (one, answer.text)
        assert (await me.get("/credentials"))["total"] >= 0
