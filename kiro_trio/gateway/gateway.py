"""Gateway: what all requests share, built once from the settings.

Below this module nobody reads settings; here they are taken apart and handed on as values.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from secrets import token_hex

import trio

from kiro_trio.conversation.prompt import Prompt
from kiro_trio.credentials.calls import SmallCalls, Wire
from kiro_trio.credentials.clock import wall_clock
from kiro_trio.credentials.keeper import Keeper
from kiro_trio.dialects.anthropic.errors import InvalidRequest
from kiro_trio.gateway.keys import Digest, digest_key
from kiro_trio.kiro.catalog import DEFAULT as DEFAULT_CATALOG
from kiro_trio.kiro.catalog import Catalog
from kiro_trio.kiro.hints import NO_HINTS, Hints
from kiro_trio.kiro.identity import conversation_ids
from kiro_trio.kiro.limits import PromptRefused
from kiro_trio.kiro.options import EarlierThinking, RequestOptions
from kiro_trio.kiro.request import KiroRequest, build_request
from kiro_trio.kiro.websearch import asked_query
from kiro_trio.session.run import Attempt, Patience, Session, Translator
from kiro_trio.settings import Settings
from kiro_trio.upstream.attempt import Attempts, Limits
from kiro_trio.upstream.http1 import Http1Client
from kiro_trio.upstream.search import SearchBetween, SearchOnly, SearchServer

# Kiro's frames are a few hundred bytes. The protocol allows 24 MiB; a legal one would still be read, a wild one not.
MAX_MESSAGE_SIZE = 16 * 1024 * 1024

_CLOSING = 2.0  # seconds that the goodbyes to idle connections may take


class Gateway:
    """Accounts, catalogue, the way to Kiro, and the sessions that are running; made by `kiro_trio.gateway.opening.open_gateway`.

    `closing` is set when running sessions should end now, `stopped` when the background tasks have ended.
    """

    def __init__(
        self, settings: Settings, keeper: Keeper, client: Http1Client, calls: SmallCalls, wire: Wire
    ) -> None:
        self.settings = settings
        self.keeper = keeper
        self.closing = trio.Event()
        self.stopped = trio.Event()
        self.keys: Mapping[str, Digest] = (
            {"default": digest_key(settings.api_key)} if settings.api_key else {}
        )
        self.catalog = _catalog(settings)
        self._options = _options(settings)
        self._patience = Patience(settings.grace_time, settings.ping_interval, settings.request_deadline)
        self._client = client
        self._attempts = Attempts(
            client=client,
            wire=wire,
            limits=Limits(settings.first_byte_timeout, settings.idle_timeout),
            max_message_size=MAX_MESSAGE_SIZE,
            wall=wall_clock,
        )
        self._search = SearchServer(calls, wire, wall_clock)
        self._running: dict[str, Session] = {}
        self._stop = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the background tasks (renewal, store watcher) until `stop` is called."""
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(self.keeper.run)
                task_status.started()
                await self._stop.wait()
                nursery.cancel_scope.cancel(reason="the gateway is being stopped")
        finally:
            with trio.move_on_after(_CLOSING, shield=True):
                await self._client.aclose()
            self.stopped.set()

    def stop(self) -> None:
        """End the background tasks; sessions are not touched."""
        self._stop.set()

    def say(self, prompt: Prompt) -> KiroRequest:
        """Turn a prompt into what is said to Kiro.

        Raises:
            InvalidRequest: it can never be said to Kiro; the text says why.
        """
        try:
            return self._build(prompt)
        except PromptRefused as refusal:
            error_type = "not_found_error" if refusal.status == 404 else "invalid_request_error"  # noqa: PLR2004
            raise InvalidRequest(refusal.message, refusal.path, refusal.status, error_type) from refusal

    def session(
        self,
        prompt: Prompt,
        request: KiroRequest,
        *,
        estimate: int,
        new_translator: Callable[[], Translator],
        live: bool,
    ) -> Session:
        """Make the session that answers `prompt`; nothing is opened before it runs."""
        return Session(
            request=request,
            session_key=f"{prompt.salt}:{prompt.session}" if prompt.session else "",
            estimate=estimate,
            new_translator=new_translator,
            live=live,
            leases=self.keeper,
            attempt=self._attempt(prompt),
            patience=self._patience,
            closing=self.closing,
            jitter=random.random,  # noqa: S311 - spreads retries, keeps no secret
        )

    @contextmanager
    def running(self, request_id: str, session: Session) -> Iterator[None]:
        """Keep a session in the list of running ones while the context is open."""
        self._running[request_id] = session
        try:
            yield
        finally:
            del self._running[request_id]

    @property
    def running_count(self) -> int:
        """How many sessions are running."""
        return len(self._running)

    def _build(self, prompt: Prompt) -> KiroRequest:
        ids = conversation_ids(prompt.session, prompt.salt, fallback=token_hex(16))
        return build_request(
            prompt,
            conversation_id=ids.conversation_id,
            continuation_id=ids.continuation_id,
            catalog=self.catalog,
            options=self._options,
        )

    def _attempt(self, prompt: Prompt) -> Attempt:
        if prompt.web_search is None:
            return self._attempts
        query = asked_query(prompt)
        if query is not None:
            return SearchOnly(self._search, query, prompt.web_search)
        return SearchBetween(self._attempts, self._search, prompt, prompt.web_search, self._build)


def _catalog(settings: Settings) -> Catalog:
    return DEFAULT_CATALOG.overridden(settings.models, settings.model_aliases, settings.unknown_models)


def _options(settings: Settings) -> RequestOptions:
    return RequestOptions(
        earlier_thinking=EarlierThinking(settings.thinking_history),
        hints=Hints() if settings.size_hints else NO_HINTS,
    )
