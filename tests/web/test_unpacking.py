"""Bodies that come packed are read as if they had not been; what cannot be unpacked is told, and nothing is unpacked for ever."""

import gzip
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.dialects.anthropic.errors import InvalidRequest
from kiro_trio.web.unpacking import unpacked
from tests.end_to_end.house import KEY, House, house, prompt

MOST = 1000


@given(st.binary(max_size=300), st.sampled_from([("gzip", gzip.compress), ("deflate", zlib.compress)]))
async def test_what_was_packed_comes_out_as_it_was(data: bytes, way) -> None:
    coding, pack = way
    assert await unpacked(pack(data), coding, MOST) == data
    assert await unpacked(pack(data) + pack(data), f" {coding.upper()}", MOST) == data * 2
    assert await unpacked(data, "identity", 0) == await unpacked(data, "", 0) == data


@pytest.mark.parametrize(
    ("body", "coding", "status", "told"),
    [
        (gzip.compress(bytes(MOST + 1), mtime=0), "gzip", 413, "larger than 1000 bytes"),
        (
            gzip.compress(bytes(MOST), mtime=0) + gzip.compress(b"x", mtime=0),
            "gzip",
            413,
            "larger than 1000 bytes",
        ),
        (gzip.compress(b"x" * 500, mtime=0)[:-9], "gzip", 400, "ends too early"),
        (b"{}", "gzip", 400, "not packed as"),
        (b"{}", "br", 415, "expected gzip, deflate"),
        (b"{}", "gzip, gzip", 415, "expected gzip, deflate"),
    ],
)
async def test_what_cannot_be_unpacked_is_told(body: bytes, coding: str, status: int, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told) as refused:
        await unpacked(body, coding, MOST)
    assert refused.value.status == status


async def test_the_limit_itself_is_allowed() -> None:
    assert await unpacked(gzip.compress(bytes(MOST)), "gzip", MOST) == bytes(MOST)


async def post(here: House, path: str, body: bytes, coding: str):
    return await here.http.post(path, content=body, headers={"x-api-key": KEY, "content-encoding": coding})


async def test_requests_may_come_packed(tmp_path) -> None:
    body = json.dumps(prompt("Packed hello", stream=False)).encode()
    async with house(tmp_path, body_limit=100_000) as here:
        for coding, packed in (("gzip", gzip.compress(body)), ("deflate", zlib.compress(body))):
            answered = await post(here, "/v1/messages", packed, coding)
            counted = await post(here, "/v1/messages/count_tokens", packed, coding)
            assert "Packed hello" in answered.json()["content"][-1]["text"]
            assert counted.json()["input_tokens"] > 0
        large = await post(here, "/v1/messages", gzip.compress(bytes(200_000)), "gzip")
        strange = await post(here, "/v1/messages", body, "br")
    assert (large.status_code, large.json()["error"]["type"]) == (413, "request_too_large")
    assert (strange.status_code, strange.json()["error"]["type"]) == (415, "invalid_request_error")
