"""`POST /v1/messages`, `POST /cc/v1/messages` and `POST /v1/messages/count_tokens`."""

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from secrets import token_hex

import structlog
from quart import Response, g, request

from kiro_trio.dialects.anthropic.errors import error_body
from kiro_trio.dialects.anthropic.message import MessageFold
from kiro_trio.dialects.anthropic.request import parse_count_tokens, parse_messages
from kiro_trio.dialects.anthropic.stream import HeldStream, MessageStream
from kiro_trio.gateway.gateway import Gateway
from kiro_trio.gateway.settled import SettledRequest
from kiro_trio.session.outbox import Door, Headers, Outbox
from kiro_trio.session.plan import ClientError, whole_seconds
from kiro_trio.session.run import Outcome, Translator
from kiro_trio.web.connection import Conducted
from kiro_trio.web.unpacking import unpacked

log = structlog.get_logger(__name__)

# Headers beyond this are dropped by some proxies; the log has all warnings.
_WARNINGS_LIMIT = 1024

# Clients whose base URL already ends in /v1 ask for /v1/v1/...; both work.
PREFIXES = ("/v1", "/v1/v1")
HELD_PREFIXES = ("/cc/v1", "/cc/v1/v1")

Manner = Callable[[str, str, int], Translator]
Conduct = Callable[[Door], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and where: the request's id, the client's name, what Claude Code says of its session and its agent."""

    request_id: str
    client: str
    hint: str
    agent: str
    path: str


async def create(gateway: Gateway) -> Response:
    """Answer a prompt: as a stream of events that the client reads along, or in one piece."""
    return await _create(gateway, MessageStream)


async def create_held(gateway: Gateway) -> Response:
    """As `create`, but a stream's events wait for the true token counts; only pings pass."""
    return await _create(gateway, HeldStream)


async def count_tokens(gateway: Gateway) -> Response:
    """Say how many tokens a prompt has: an estimate, unless the owner has named somebody who knows better."""
    body = await _body(gateway)
    prompt = parse_count_tokens(body)
    tokens = await gateway.count(prompt, body, request.headers.get("anthropic-beta", ""))
    return Response(json.dumps({"input_tokens": tokens}), content_type="application/json")


async def _create(gateway: Gateway, live_manner: Manner) -> Response:
    hint = request.headers.get("x-claude-code-session-id", "")
    agent = request.headers.get("x-claude-code-agent-id", "")
    asker = Asker(g.request_id, g.client, hint, agent, request.path)
    body = await _body(gateway)
    return Conducted(await prepare(gateway, body, asker, request.headers.items(), live_manner))


async def prepare(
    gateway: Gateway, body: bytes, asker: Asker, headers: Iterable[tuple[str, str]], live_manner: Manner
) -> Conduct:
    """Read a request and make ready to answer it; nothing is open before what is returned runs.

    Raises:
        InvalidRequest: it can never be answered; the text says why.
    """
    asked = parse_messages(body, session_hint=asker.hint, salt=asker.client, agent=asker.agent)
    taken = await gateway.take(asked.prompt)
    entry = gateway.entry(
        taken.prompt,
        taken.request,
        request_id=asker.request_id,
        client=asker.client,
        stream=asked.stream,
        estimate=taken.tokens,
    )
    gateway.record(entry, asker.path, headers, body)
    manner = live_manner if asked.stream else MessageFold
    session = gateway.session(
        taken.prompt,
        taken.request,
        estimate=taken.tokens,
        new_translator=partial(manner, f"msg_{token_hex(12)}", asked.prompt.model, taken.tokens),
        live=asked.stream,
        entry=entry,
    )
    dialect = AnthropicDialect(asker.request_id, asked.stream, taken.request.warnings)
    record = log.bind(
        request_id=asker.request_id, client=asker.client, model=asked.prompt.model, stream=asked.stream
    )
    if taken.request.warnings:
        record = record.bind(warnings=taken.request.warnings)

    async def conduct(door: Door) -> None:
        outbox = Outbox(door, dialect)
        try:
            with gateway.live.present(entry, session, outbox):
                await session.run(outbox)
        finally:
            gateway.lessons.learn(taken.prompt, taken.request.model_id, taken.estimate, session.outcome)
            _log_outcome(record, gateway.settle(entry, session), session.outcome)

    return conduct


async def _body(gateway: Gateway) -> bytes:
    body = await request.get_data(as_text=False)
    assert isinstance(body, bytes)  # noqa: S101 - as quart promises for as_text=False, but not to mypy
    return await unpacked(body, request.headers.get("content-encoding", ""), gateway.settings.body_limit)


@dataclass(frozen=True, slots=True)
class AnthropicDialect:
    """Headers and errors of one answer, as Anthropic's clients know them."""

    request_id: str
    stream: bool
    warnings: tuple[str, ...] = ()

    def open_headers(self, content_length: int | None) -> Headers:
        """Return the headers of a 200."""
        headers = [(b"request-id", self.request_id.encode())]
        if self.stream:
            headers += [
                (b"content-type", b"text/event-stream; charset=utf-8"),
                (b"cache-control", b"no-cache"),
                (b"x-accel-buffering", b"no"),  # nginx would collect the events
            ]
        else:
            headers.append((b"content-type", b"application/json"))
            if content_length is not None:
                headers.append((b"content-length", str(content_length).encode()))
        if self.warnings:
            text = "; ".join(self.warnings)[:_WARNINGS_LIMIT]
            headers.append((b"x-kiro-trio-warnings", text.encode("ascii", "replace")))
        return headers

    def refuse(self, error: ClientError) -> tuple[Headers, bytes]:
        """Return headers and body of an error answer."""
        body = error_body(error.error_type, error.message, self.request_id)
        headers = [
            (b"request-id", self.request_id.encode()),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        if error.retry_after is not None:
            headers.append((b"retry-after", str(whole_seconds(error.retry_after)).encode()))
        if error.hopeless:
            headers.append((b"x-should-retry", b"false"))
        return headers, body


def _log_outcome(record: structlog.stdlib.BoundLogger, settled: SettledRequest, outcome: Outcome) -> None:
    if outcome.bug is not None:
        record.error("request", exc_info=outcome.bug, **settled.line())
    elif outcome.failure is None:
        record.info("request", **settled.line())
    else:
        record.warning("request", **settled.line())
