"""Web search: what the gateway does itself when a client lets the model search.

Two cases, both with the same reply events as any other answer. A prompt whose only tool is the search (Claude Code sends
one for each use of its WebSearch tool) needs no model: `SearchOnly` answers it from one call of Kiro's MCP server. When
there are other tools too, the search is declared to the model like them, and `SearchBetween` runs what the model calls
and asks on with the results. Source: docs/wire.md, "Web search".
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from secrets import token_hex
from uuid import uuid4

import trio

from kiro_trio.conversation.faults import Ended, Failure, Fault
from kiro_trio.conversation.prompt import Text, ToolResult, ToolUse, Turn, WebSearch
from kiro_trio.conversation.reply import (
    Finished,
    ReplyEvent,
    StopReason,
    TextDelta,
    ToolCall,
    Usage,
    WebSearchCall,
    WebSearchFound,
)
from kiro_trio.conversation.tokens import estimate_text
from kiro_trio.credentials.calls import SmallCalls, Wire
from kiro_trio.credentials.credential import Lease
from kiro_trio.kiro.endpoint import mcp_call
from kiro_trio.kiro.faults import classify
from kiro_trio.kiro.limits import PromptRefused
from kiro_trio.kiro.request import KiroRequest
from kiro_trio.kiro.websearch import (
    INVALID_INPUT,
    MAX_USES_EXCEEDED,
    NOBODY_ELSE,
    RANDOM_BYTES,
    SearchAnswer,
    called_query,
    error_code,
    of_search,
    parse_search,
    search_body,
    search_id,
    summary,
)
from kiro_trio.upstream.attempt import Attempts, Deliver, caller_of

# A client that sets no limit still wants an answer some day: Claude Code allows 8 by itself.
MOST_SEARCHES = 8


@dataclass(frozen=True, slots=True)
class SearchServer:
    """Kiro's MCP server, as far as it searches the web."""

    calls: SmallCalls
    wire: Wire
    wall: Callable[[], float]

    async def search(self, query: str, search: WebSearch, lease: Lease) -> SearchAnswer | Failure:
        """Search once. What the server itself refuses is an answer; a `Failure` means that it could not be asked."""
        caller = caller_of(lease, self.wire.versions)
        call = mcp_call(self.wire.presets[lease.endpoint], caller, str(uuid4()), self.wire.base)
        body = search_body(query, search_id(os.urandom(RANDOM_BYTES), self.wall()))
        response = await self.calls.send(replace(call, body=body), lease.proxy)
        if isinstance(response, Failure):
            return response
        if response.status != 200:  # noqa: PLR2004
            return of_search(classify(response.status, response.headers, response.body, now=self.wall()))
        return parse_search(response.body, search)


@dataclass(frozen=True, slots=True)
class SearchOnly:
    """Answers one prompt with a search for `query`: the callable that `kiro_trio.session.run.Session` is given."""

    server: SearchServer
    query: str
    wanted: WebSearch

    async def __call__(self, _request: KiroRequest, lease: Lease, deliver: Deliver, patience: float) -> Ended:
        """Search once; see `kiro_trio.session.run.Attempt`."""
        with trio.move_on_after(patience):
            answer = await self.server.search(self.query, self.wanted, lease)
            if isinstance(answer, Failure):
                if answer.fault not in NOBODY_ELSE:
                    return Ended(answer)
                answer = SearchAnswer(error=error_code(answer))
            words = "The web search failed." if answer.error else summary(self.query, answer.pages)
            usage = Usage(output_tokens=estimate_text(words))
            await deliver(
                [*_told(self.query, answer), TextDelta(words), usage, Finished(StopReason.END_TURN)]
            )
            return Ended()
        return Ended(Failure(Fault.FIRST_BYTE_TIMEOUT, f"no search result in {patience:g} s"))


@dataclass(frozen=True, slots=True)
class SearchBetween:
    """Runs the searches that the model calls, and asks on with what they found."""

    attempts: Attempts
    server: SearchServer
    wanted: WebSearch

    async def __call__(self, request: KiroRequest, lease: Lease, deliver: Deliver, patience: float) -> Ended:
        """Ask the model until it calls no search; see `kiro_trio.session.run.Attempt`."""
        spent, searches = Usage(), 0
        most = MOST_SEARCHES if self.wanted.max_uses is None else min(self.wanted.max_uses, MOST_SEARCHES)
        while True:
            round_ = _Round(self.wanted.name, deliver)
            ended = await self.attempts(request, lease, round_.sift, patience)
            if ended.failure is not None:
                # Not with its searches: the client has no such tool, and would look for one to run.
                return replace(ended, unsaid=round_.passed(ended.unsaid))
            spent = _sum(spent, round_.usage)
            results: list[ToolResult] = []
            for call in round_.searches:
                answer = await self._search(call, lease, allowed=searches < most)
                searches += 1
                query = called_query(call.input_json) or ""
                await deliver(_told(query, answer))
                words = answer.error or summary(query, answer.pages)
                results.append(ToolResult(call.id, (Text(words),), is_error=bool(answer.error)))
            # Without a search there is nothing to add; with another tool's call it is the client's turn; and a model
            # that goes on searching after it was told that it may not shall not do so for ever.
            if not results or round_.client_calls or searches > most + 1:
                await deliver([spent, round_.finished(ran_out=bool(results))])
                return ended
            try:
                request = request.asking_on(
                    (Turn("assistant", round_.blocks()), Turn("user", tuple(results)))
                )
            except PromptRefused as refusal:
                return Ended(Failure(Fault.BAD_REQUEST, f"with what the search found: {refusal}"))

    async def _search(self, call: ToolCall, lease: Lease, *, allowed: bool) -> SearchAnswer:
        query = called_query(call.input_json)
        if query is None:
            return SearchAnswer(error=INVALID_INPUT)
        if not allowed:
            return SearchAnswer(error=MAX_USES_EXCEEDED)
        answer = await self.server.search(query, self.wanted, lease)
        return SearchAnswer(error=error_code(answer)) if isinstance(answer, Failure) else answer


@dataclass(slots=True)
class _Round:
    """One answer of the model: what of it is passed on, and what is kept back."""

    name: str
    deliver: Deliver
    searches: list[ToolCall] = field(default_factory=list)
    client_calls: int = 0
    usage: Usage = field(default_factory=Usage)
    _words: list[str] = field(default_factory=list)
    _finished: Finished = field(default_factory=lambda: Finished(StopReason.END_TURN))

    async def sift(self, events: Sequence[ReplyEvent]) -> None:
        """Pass everything on but searches and the ending."""
        if passed := self.passed(events):
            await self.deliver(passed)

    def passed(self, events: Sequence[ReplyEvent]) -> list[ReplyEvent]:
        """Those of the events that are for the client; the others are kept."""
        passed: list[ReplyEvent] = []
        for event in events:
            match event:
                case ToolCall() if event.name == self.name:
                    self.searches.append(event)
                case Usage():
                    self.usage = event
                case Finished():
                    self._finished = event
                case _:
                    self.client_calls += isinstance(event, ToolCall)
                    if isinstance(event, TextDelta):
                        self._words.append(event.text)
                    passed.append(event)
        return passed

    def finished(self, *, ran_out: bool) -> Finished:
        """The ending to pass on: the client must not look for a call that it never saw."""
        if ran_out and not self.client_calls and self._finished.reason is StopReason.TOOL_USE:
            return Finished(StopReason.END_TURN)
        return self._finished

    def blocks(self) -> tuple[Text | ToolUse, ...]:
        """What the model said, as a part of the next prompt."""
        words = "".join(self._words)
        calls = (ToolUse(c.id, c.name, {"query": called_query(c.input_json) or ""}) for c in self.searches)
        return (*((Text(words),) if words else ()), *calls)


def _told(query: str, answer: SearchAnswer) -> list[ReplyEvent]:
    call_id = f"srvtoolu_{token_hex(12)}"
    return [WebSearchCall(call_id, query), WebSearchFound(call_id, answer.pages, answer.error)]


def _sum(one: Usage, other: Usage) -> Usage:
    """The cost of two rounds: what came out adds up; what went in and the window's share are those of the last."""
    credits_ = [usage.credits for usage in (one, other) if usage.credits is not None]
    return replace(
        other,
        output_tokens=one.output_tokens + other.output_tokens,
        credits=sum(credits_) if credits_ else None,
    )
