"""Asking Kiro with a body as it is: none of our own conversion stands between a request and its refusal."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import click
import msgspec
import trio

from kiro_trio.cli.replay_ending import Ended
from kiro_trio.conversation.faults import Failure
from kiro_trio.credentials.calls import Wire
from kiro_trio.credentials.clock import wall_clock
from kiro_trio.credentials.credential import Lease
from kiro_trio.credentials.keeper import Keeper
from kiro_trio.credentials.standing import Penalty
from kiro_trio.gateway.opening import open_gateway, taken_apart
from kiro_trio.kiro.endpoint import chat_call
from kiro_trio.kiro.faults import classify
from kiro_trio.settings import Settings
from kiro_trio.upstream.attempt import ERROR_BODY_LIMIT, caller_of
from kiro_trio.upstream.errors import UpstreamError
from kiro_trio.upstream.http1 import Http1Client, Response
from kiro_trio.upstream.small_calls import as_failure
from kiro_trio.upstream.tls import client_context
from kiro_trio.wire import EventStreamDecoder, WireError

_OK = 200


class NoAccount(click.ClickException):
    """There is no account to ask with."""


@asynccontextmanager
async def kiro_door(settings: Settings) -> AsyncIterator["KiroAsker"]:
    """A way to Kiro with the accounts of these settings."""
    gateway = await open_gateway(settings)
    tls = client_context(Path(settings.ca_file) if settings.ca_file else None)
    client = Http1Client(tls, connect_timeout=settings.connect_timeout)
    async with trio.open_nursery() as nursery:
        await nursery.start(gateway.run)
        yield KiroAsker(gateway.keeper, taken_apart(settings)[1], client, settings.idle_timeout)
        await client.aclose()
        gateway.stop()


@dataclass(frozen=True, slots=True)
class KiroAsker:
    """Asks Kiro itself; `patience` is for each read, in seconds."""

    keeper: Keeper
    wire: Wire
    client: Http1Client
    patience: float

    async def ask(self, body: Any, show: Callable[[bytes], None], *, until_content: bool = False) -> Ended:
        """Ask, and read the answer to its end, or up to its first words; `show` gets a line for each event.

        Raises:
            NoAccount: there is none that can be used now.
        """
        model_id = _model_of(body)
        lease = await self.keeper.lease(model_id=model_id, session="", avoid=frozenset())
        if isinstance(lease, Failure):
            raise NoAccount(f"no account can be used: {lease.detail or lease.fault.value}")
        try:
            return await self._ask(body, lease, show, until_content=until_content)
        finally:
            self.keeper.settle(lease, None, Penalty.NONE)

    async def _ask(
        self, body: Any, lease: Lease, show: Callable[[bytes], None], *, until_content: bool
    ) -> Ended:
        call = chat_call(
            self.wire.presets[lease.endpoint],
            caller_of(lease, self.wire.versions),
            str(uuid4()),
            self.wire.base,
        )
        arn = lease.profile_arn if call.arn_in_body else None
        data = msgspec.json.encode(_with_profile(body, arn))
        try:
            with trio.move_on_after(self.patience) as waiting:
                async with await self.client.request(
                    call.method, call.url, call.headers, data, proxy=lease.proxy
                ) as response:
                    waiting.deadline = float("inf")
                    return await self._read(response, show, until_content=until_content)
        except UpstreamError as error:
            failure = as_failure(error)
            return _refused(failure, 0)
        return Ended(0, error_type="first_byte_timeout", message="Kiro did not answer in time")

    async def _read(self, response: Response, show: Callable[[bytes], None], *, until_content: bool) -> Ended:
        if response.status != _OK:
            body = await response.read_limited(ERROR_BODY_LIMIT)
            show(body)
            return _refused(
                classify(response.status, response.headers, body, now=wall_clock()), response.status
            )
        decoder, ended = EventStreamDecoder(), Ended(_OK)
        try:
            while data := await response.receive_some():
                for message in decoder.receive_data(data):
                    show(_line(message.headers, message.payload))
                    if until_content:
                        return Ended(_OK, whole=True)
            decoder.close()
            ended.whole = True
        except WireError as error:
            ended.error_type, ended.message = "corrupt_stream", str(error)
        return ended


def _refused(failure: Failure, status: int) -> Ended:
    return Ended(status, error_type=failure.fault.name.lower(), message=failure.detail)


def _with_profile(body: Mapping[str, Any], arn: str | None) -> dict[str, Any]:
    """The body with the profile of the account that asks, instead of whose it was."""
    rest = {key: value for key, value in body.items() if key != "profileArn"}
    return {**rest, "profileArn": arn} if arn else rest


def _model_of(body: Any) -> str:
    try:
        return str(body["conversationState"]["currentMessage"]["userInputMessage"]["modelId"])
    except (KeyError, TypeError):
        return "auto"


def _line(headers: Mapping[str, Any], payload: bytes) -> bytes:
    kind = headers.get(":event-type") or headers.get(":exception-type") or headers.get(":error-code") or "?"
    return f"{kind} ".encode() + payload + b"\n"
