"""Capturing: which requests are kept as captures, and the one task that writes them, behind everybody's back.

Nothing here is worth a slower request: what is to be kept waits in a short queue, is redacted and written in a thread,
one at a time, and what does not fit into the queue is not kept. What cannot be written is logged once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import trio
from msgspec import structs

from kiro_trio import __version__
from kiro_trio.captures.capture import Answer, Prose, Try, encode_capture
from kiro_trio.captures.folder import Folder
from kiro_trio.captures.recording import Recording
from kiro_trio.captures.redaction import Told, redacted
from kiro_trio.conversation.faults import Fault
from kiro_trio.gateway.settled import SettledRequest
from kiro_trio.session.plan import client_error
from kiro_trio.session.run import Outcome
from kiro_trio.settings import Settings
from kiro_trio.telemetry import get_logger, mask

_LOG = get_logger("gateway")

Which = Literal["failed", "troubled", "all"]

KIROS = frozenset({
    # a stream that broke, or was none
    Fault.CONNECTION_LOST,
    Fault.FIRST_BYTE_TIMEOUT,
    Fault.IDLE_TIMEOUT,
    Fault.NOT_AN_EVENT_STREAM,
    Fault.CORRUPT_STREAM,
    Fault.TRUNCATED_STREAM,
    Fault.EMPTY_REPLY,
    Fault.TOOL_CALL_INCOMPLETE,
    Fault.MALFORMED_OUTPUT,
    # a request that was refused for what it is, as far as the client is not plainly told why
    Fault.BAD_REQUEST,
    Fault.TOOLS_REFUSED,
    Fault.EFFORT_REFUSED,
    Fault.SERVER_ERROR,
    Fault.UNEXPECTED_STATUS,
    # and what we got wrong ourselves
    Fault.INTERNAL,
})  # fmt: skip
"""Faults of which a capture can tell something. Not: what clients, accounts, quotas and networks do."""

_NOBODYS = frozenset({Fault.CLIENT_GONE, Fault.CANCELLED_BY_OWNER, Fault.SHUTTING_DOWN})
_SILENCE = frozenset({Fault.FIRST_BYTE_TIMEOUT, Fault.IDLE_TIMEOUT})

SAID_BY = (
    "documents", "model_aliases", "models", "prefill", "size_hints", "strict_schemas", "thinking_history", "unknown_models",
    "unsupported_media", "upstream_body_limit",
)  # fmt: skip
"""The settings that change what is said to Kiro."""

_WAITING = 4
_CLOSING = 2.0


@dataclass(frozen=True, slots=True)
class _Finished:
    recording: Recording
    told: Told


class Capturing:
    """Keeps captures in `folder`; `run` must be running. `limit` is the size of one, in bytes."""

    def __init__(self, folder: Folder, which: Which, prose: Prose, limit: int) -> None:
        self.problem = ""
        self.lost = 0
        self._folder = folder
        self._which = which
        self._prose: Prose = prose
        self._limit = limit
        self._send, self._receive = trio.open_memory_channel[_Finished](_WAITING)

    def begin(self, path: str, headers: Mapping[str, str], body: bytes) -> Recording:
        """Note a request from here on; `headers` have names in lower case."""
        return Recording(path, headers, body, self._limit)

    def finish(
        self, recording: Recording, settled: SettledRequest, outcome: Outcome, settings: Settings
    ) -> None:
        """The request is over: have it kept, if it is worth it."""
        if not wanted(self._which, outcome):
            return
        for number, attempt in enumerate(outcome.attempts):
            if attempt.failure is not None and attempt.failure.fault in _SILENCE:
                recording.fell_silent(number)
        try:
            self._send.send_nowait(_Finished(recording, _told(settled, outcome, settings)))
        except trio.WouldBlock:
            self.lost += 1
            self._complain("more requests fail than can be captured; some are not")

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write captures until cancelled, then those that wait, for a moment."""
        task_status.started()
        try:
            async for finished in self._receive:
                await self._keep(finished)
        finally:
            with trio.move_on_after(_CLOSING, shield=True):
                while self._receive.statistics().current_buffer_used:
                    await self._keep(self._receive.receive_nowait())

    async def _keep(self, finished: _Finished) -> None:
        # A write that has begun is ended even if we are cancelled: it takes about a second.
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(partial(self._write, finished))

    def _write(self, finished: _Finished) -> None:
        told = finished.told
        try:
            capture = redacted(finished.recording, told, self._prose, mask)
            path = self._folder.keep(told.id, told.at, encode_capture(capture, self._limit))
        except (OSError, ValueError, RecursionError) as error:
            self.lost += 1
            reason = error.strerror if isinstance(error, OSError) else None
            self._complain(f"{self._folder.path}: {reason or error}")
        else:
            self.problem = ""
            _LOG.info("captured", request_id=told.id, file=str(path))

    def _complain(self, problem: str) -> None:
        if problem != self.problem:
            _LOG.warning("captures are not kept", problem=problem)
        self.problem = problem


def capturing_of(settings: Settings) -> Capturing | None:
    """How captures are kept here, None if they are not."""
    if not settings.capture_folder:
        return None
    folder = Folder(Path(settings.capture_folder), settings.capture_files, settings.capture_bytes)
    limit = min(settings.capture_file_bytes, settings.capture_bytes)
    return Capturing(folder, settings.capture_which, settings.capture_prose, limit)


def wanted(which: Which, outcome: Outcome) -> bool:
    """Whether a request that went so is to be kept."""
    final = None if outcome.failure is None else outcome.failure.fault
    if which == "all" or final is Fault.INTERNAL:
        return True
    if final in _NOBODYS or (final is None and which == "failed"):
        return False
    return any(attempt.failure and attempt.failure.fault in KIROS for attempt in outcome.attempts)


def _told(settled: SettledRequest, outcome: Outcome, settings: Settings) -> Told:
    error = None if outcome.failure is None else client_error(outcome.failure)
    tries = tuple(
        Try(
            account=one.credential,
            seconds=one.seconds,
            outcome=one.outcome,
            status=one.status,
            reason=one.reason,
            detail=one.detail,
        )
        for one in settled.attempts
    )
    answer = Answer(
        outcome=settled.outcome,
        status=settled.status,
        error_type=error.error_type if error else "",
        message=error.message if error else "",
        bytes=settled.bytes,
        seconds=settled.seconds,
    )
    keys = {field.name: field.encode_name for field in structs.fields(Settings)}
    said_by = {keys[name]: getattr(settings, name) for name in SAID_BY}
    return Told(settled.id, settled.at, __version__, said_by, tries, answer)
