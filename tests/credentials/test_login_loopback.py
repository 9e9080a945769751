import httpx
import pytest
import trio

from kiro_trio.credentials.login.addresses import read_callback
from kiro_trio.credentials.login.desk import SignInFailed
from kiro_trio.credentials.login.loopback import open_loopback, receive_code

STATE = "the-state-of-this-sign-in"
GOOD = f"/oauth/callback?code=the-code&state={STATE}"


class Waiting:
    """Somebody who waits for a code; `port` is where."""

    def __init__(self, port):
        self.port = port
        self.code = self.failure = None
        self.done = trio.Event()

    async def run(self, listeners):
        try:
            self.code = await receive_code(listeners, lambda address: read_callback(address, STATE))
        except SignInFailed as failure:
            self.failure = str(failure)
        self.done.set()

    async def send(self, data, *, read=True):
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        async with stream:
            await stream.send_all(data)
            answer = b""
            while read and (more := await stream.receive_some()):
                answer += more
            return answer


@pytest.fixture
async def waiting(nursery):
    listeners = await open_loopback([0])
    one = Waiting(listeners[0].socket.getsockname()[1])
    nursery.start_soon(one.run, listeners)
    return one


def get(target):
    return f"GET {target} HTTP/1.1\r\nhost: x\r\n\r\n".encode()


async def test_the_port_is_closed_when_the_code_is_here(waiting):
    answer = await waiting.send(get(GOOD))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"You may close this window" in answer
    await waiting.done.wait()
    assert waiting.code == "the-code"
    with pytest.raises(OSError, match=r"."):
        await trio.open_tcp_stream("127.0.0.1", waiting.port)


@pytest.mark.parametrize(
    "data",
    [
        get("/"),
        get("/favicon.ico"),
        get("/oauth/callback"),
        get("/oauth/callback?code=a&state=b"),
        get(f"/other?code=a&state={STATE}"),
        get("/oauth/callback?error=access_denied"),
        b"POST " + get(GOOD)[4:],
        b"HEAD " + get(GOOD)[4:],
        b"nonsense\r\n\r\n",
        b"GET /" + b"a" * 40_000,
        b"\x16\x03\x01\x02\x00",
    ],
)
async def test_whatever_else_asks_changes_nothing(waiting, data):
    try:
        answer = await waiting.send(data, read=data.endswith(b"\r\n\r\n"))
    except trio.BrokenResourceError:
        answer = b""
    assert b" 200 " not in answer
    assert b"the-code" not in answer
    assert not waiting.done.is_set()
    await waiting.send(get(GOOD))
    await waiting.done.wait()
    assert waiting.code == "the-code"


async def test_who_only_holds_the_line_is_in_nobodys_way(waiting):
    async with await trio.open_tcp_stream("127.0.0.1", waiting.port) as silent:
        await silent.send_all(b"GET /oau")
        await waiting.send(get(GOOD))
        with trio.fail_after(5):
            await waiting.done.wait()
    assert waiting.code == "the-code"


async def test_a_browser_that_does_not_wait_for_its_page_has_brought_the_code(waiting):
    await waiting.send(get(GOOD), read=False)
    with trio.fail_after(5):
        await waiting.done.wait()
    assert waiting.code == "the-code"


async def test_a_request_in_single_bytes(waiting):
    async with await trio.open_tcp_stream("127.0.0.1", waiting.port) as stream:
        for byte in get(GOOD):
            await stream.send_all(bytes([byte]))
        assert b" 200 " in await stream.receive_some()
    await waiting.done.wait()
    assert waiting.code == "the-code"


async def test_a_refusal_ends_it_too(waiting):
    async with httpx.AsyncClient(trust_env=False) as client:
        page = await client.get(
            f"http://127.0.0.1:{waiting.port}/oauth/callback?error=%3Cscript%3E&state={STATE}"
        )
    assert "<script>" not in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    await waiting.done.wait()
    assert waiting.failure == "the sign-in was refused: an unknown error"


async def test_the_first_free_port_is_taken():
    async with trio.open_nursery():
        [taken] = await open_loopback([0])
        port = taken.socket.getsockname()[1]
        [other] = await open_loopback([port, 0])
        assert other.socket.getsockname()[0] == "127.0.0.1"
        assert other.socket.getsockname()[1] != port
        with pytest.raises(SignInFailed, match="is taken"):
            await open_loopback([port])
        await taken.aclose()
        await other.aclose()
