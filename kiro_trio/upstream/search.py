"""A web search as an attempt: the same reply events as of a model, from one call of Kiro's MCP server.

This is for a prompt whose only tool is the search: Claude Code sends one for each use of its WebSearch tool.
Source: docs/wire.md, "Web search".
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from secrets import token_hex
from uuid import uuid4

import trio

from kiro_trio.conversation.faults import Ended, Failure, Fault
from kiro_trio.conversation.prompt import WebSearch
from kiro_trio.conversation.reply import (
    Finished,
    ReplyEvent,
    StopReason,
    TextDelta,
    Usage,
    WebSearchCall,
    WebSearchFound,
)
from kiro_trio.conversation.tokens import estimate_text
from kiro_trio.credentials.calls import SmallCalls
from kiro_trio.credentials.credential import Lease
from kiro_trio.kiro.endpoint import Preset, Versions, mcp_call
from kiro_trio.kiro.faults import classify
from kiro_trio.kiro.request import KiroRequest
from kiro_trio.kiro.websearch import RANDOM_BYTES, SearchAnswer, parse_search, search_body, search_id, summary
from kiro_trio.upstream.attempt import Deliver, caller_of


@dataclass(frozen=True, slots=True)
class Searches:
    """Makes web searches for one prompt: `query`, kept to the domains of `search`.

    The callable that `kiro_trio.session.run.Session` is given in place of `kiro_trio.upstream.attempt.Attempts`.
    """

    calls: SmallCalls
    presets: Mapping[str, Preset]
    versions: Versions
    wall: Callable[[], float]
    query: str
    search: WebSearch
    base: str | None = None

    async def __call__(self, _request: KiroRequest, lease: Lease, deliver: Deliver, patience: float) -> Ended:
        """Search once; see `kiro_trio.session.run.Attempt`. What the search server itself refuses is an answer too."""
        with trio.move_on_after(patience):
            answer = await self._search(lease)
            if isinstance(answer, Failure):
                return Ended(answer)
            await deliver(self._events(answer))
            return Ended()
        return Ended(Failure(Fault.FIRST_BYTE_TIMEOUT, f"no search result in {patience:g} s"))

    async def _search(self, lease: Lease) -> SearchAnswer | Failure:
        caller = caller_of(lease, self.versions)
        call = mcp_call(self.presets[lease.endpoint], caller, str(uuid4()), self.base)
        body = search_body(self.query, search_id(os.urandom(RANDOM_BYTES), self.wall()))
        response = await self.calls.send(replace(call, body=body), lease.proxy)
        if isinstance(response, Failure):
            return response
        if response.status != 200:  # noqa: PLR2004
            return classify(response.status, response.headers, response.body, now=self.wall())
        return parse_search(response.body, self.search)

    def _events(self, answer: SearchAnswer) -> list[ReplyEvent]:
        call_id = f"srvtoolu_{token_hex(12)}"
        words = "The web search failed." if answer.error else summary(self.query, answer.pages)
        return [
            WebSearchCall(call_id, self.query),
            WebSearchFound(call_id, answer.pages, answer.error),
            TextDelta(words),
            Usage(output_tokens=estimate_text(words)),
            Finished(StopReason.END_TURN),
        ]
