"""Gateway: what all requests and the owner share, built once from the settings by `kiro_trio.gateway.opening`."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex

import trio

from kiro_trio.conversation.prompt import Prompt
from kiro_trio.conversation.tokens import estimate_tokens
from kiro_trio.credentials.atomic import writable
from kiro_trio.credentials.calls import SmallCalls, Wire
from kiro_trio.credentials.clock import wall_clock
from kiro_trio.credentials.keeper import Keeper
from kiro_trio.credentials.status import introduce
from kiro_trio.credentials.store import FileStore
from kiro_trio.dialects.anthropic.errors import InvalidRequest
from kiro_trio.gateway.books import Books
from kiro_trio.gateway.capturing import Capturing
from kiro_trio.gateway.gauges import Gauges
from kiro_trio.gateway.lessons import Lessons, calibration_path
from kiro_trio.gateway.listing import follow_models
from kiro_trio.gateway.live import Live, LiveRequest
from kiro_trio.gateway.metrics import Metrics
from kiro_trio.gateway.reloading import Adopted, adopt
from kiro_trio.gateway.settled import SettledRequest, settle
from kiro_trio.gateway.sign_ins import SignIns
from kiro_trio.gateway.values import Taken, catalog_of, documents_of, options_of, patience_of
from kiro_trio.gateway.watching import WatchedAttempts, WatchedLeases
from kiro_trio.kiro.catalog import UnknownModel
from kiro_trio.kiro.identity import conversation_ids
from kiro_trio.kiro.limits import PromptRefused
from kiro_trio.kiro.request import KiroRequest, build_request
from kiro_trio.kiro.tools import offered_search
from kiro_trio.kiro.websearch import asked_query
from kiro_trio.session.run import Attempt, Session, Translator
from kiro_trio.settings import Settings
from kiro_trio.settings.source import Source
from kiro_trio.telemetry import register_secret, set_level
from kiro_trio.upstream.attempt import Attempts, Limits, Witness
from kiro_trio.upstream.http1 import Http1Client
from kiro_trio.upstream.model_list import ModelList
from kiro_trio.upstream.search import SearchBetween, SearchOnly, SearchServer
from kiro_trio.upstream.token_count import RemoteCount

# Kiro's frames are a few hundred bytes. The protocol allows 24 MiB; a legal one would still be read, a wild one not.
MAX_MESSAGE_SIZE = 16 * 1024 * 1024

_CLOSING = 2.0  # seconds that the goodbyes to idle connections may take


@dataclass(frozen=True, slots=True)
class Parts:
    """What a gateway is made of.

    `store` keeps the credentials that the keeper lends. `source` is where the settings came from, None if they were
    handed over ready and cannot be read again.
    """

    settings: Settings
    keeper: Keeper
    store: FileStore
    client: Http1Client
    calls: SmallCalls
    wire: Wire
    metrics: Metrics
    books: Books
    sign_ins: SignIns
    source: Source | None = None
    counter: RemoteCount | None = None
    capturing: Capturing | None = None


class Gateway:
    """Accounts, catalogue, the way to Kiro, and the requests that are running.

    `draining` is set as soon as the server is asked to stop, `closing` when running sessions should end now, `stopped`
    when the background tasks have ended.
    """

    def __init__(self, parts: Parts) -> None:
        settings = parts.settings
        self.settings = settings
        self.keeper = parts.keeper
        self.store = parts.store
        self.metrics = parts.metrics
        self.live = Live()
        self.books = parts.books
        self.sign_ins = parts.sign_ins
        self.source = parts.source
        self.metrics.registry.register(Gauges(parts.keeper, self.live, self.books.balances))
        self.draining = False
        self.closing = trio.Event()
        self.stopped = trio.Event()
        self.catalog = catalog_of(settings)
        self.lessons = Lessons(
            calibration_path(Path(settings.credentials_file)) if settings.calibrate_tokens else None
        )
        self._counter = parts.counter
        self._capturing = parts.capturing
        self._documents = documents_of(settings)
        self._options = options_of(settings)
        self._patience = patience_of(settings)
        self._pages: Sequence[bytes] = ()
        self._client = parts.client
        self._attempts = Attempts(
            client=parts.client,
            wire=parts.wire,
            limits=Limits(settings.first_byte_timeout, settings.idle_timeout),
            max_message_size=MAX_MESSAGE_SIZE,
            wall=wall_clock,
            note_unknown=self.metrics.note_unknown,
            note_origin=self._note_origin,
        )
        self._search = SearchServer(parts.calls, parts.wire, wall_clock)
        self._model_list = ModelList(parts.keeper, parts.calls, parts.wire)
        self._stop = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the background tasks (renewal, store watcher) until `stop` is called."""
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(self.keeper.run)
                introduce(self.keeper.standings(), self.store.path)
                await nursery.start(self.lessons.run)
                if self.settings.list_models:
                    nursery.start_soon(follow_models, self._model_list, self._adopt_models)
                await nursery.start(self.books.run)
                await nursery.start(self.sign_ins.run)
                nursery.start_soon(self.metrics.watch_loop)
                if self._capturing is not None:
                    await nursery.start(self._capturing.run)
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

    def adopt(self, wanted: Settings) -> Adopted:
        """Take over from `wanted` what can be changed while requests run; those that run keep what they have."""
        adopted = adopt(self.settings, wanted)
        self.settings = settings = adopted.settings
        self.catalog = catalog_of(settings, self._pages)
        self._options = options_of(settings)
        self._patience = patience_of(settings)
        self.books.clients.configure(settings.api_key)
        self.keeper.owner.set_order(settings.load_balancing_mode)
        register_secret(settings.api_key)
        register_secret(settings.admin_api_key)
        if "logLevel" in adopted.applied:
            set_level(settings.log_level)
        return adopted

    async def take(self, prompt: Prompt) -> Taken:
        """Take in a prompt: all that is to be known of it before Kiro is asked.

        Raises:
            InvalidRequest: it can never be said to Kiro; the text says why.
        """
        prompt = await self._with_documents(prompt)
        request = self.say(prompt)
        estimate = _estimate(prompt)
        return Taken(prompt, request, estimate, self.lessons.correct(request.model_id, estimate))

    async def count(self, prompt: Prompt, body: bytes, beta: str) -> int:
        """Count the tokens of a prompt, whose `body` and `anthropic-beta` header are as the client sent them.

        Raises:
            InvalidRequest: nobody can count it; the text says why.
        """
        if self._counter is not None:
            told = await self._counter.count(body, beta)
            if told is not None:
                return told
        estimate = _estimate(await self._with_documents(prompt))
        try:
            model_id = self.catalog.resolve(prompt.model).model.id
        except UnknownModel:
            return estimate
        return self.lessons.correct(model_id, estimate)

    async def store_writable(self) -> bool:
        """Whether a renewed token could be kept. True if there is nothing that would have to be kept."""
        return await trio.to_thread.run_sync(writable, self.store.path)

    async def _with_documents(self, prompt: Prompt) -> Prompt:
        return prompt if self._documents is None else await self._documents.read(prompt)

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
        entry: LiveRequest,
    ) -> Session:
        """Make the session that answers `prompt`, watched as `entry`; nothing is opened before it runs."""
        return Session(
            request=request,
            session_key=entry.conversation,
            estimate=estimate,
            new_translator=new_translator,
            live=live,
            leases=WatchedLeases(self.keeper, entry),
            attempt=WatchedAttempts(self._attempt(prompt, entry.recording), entry, self.metrics),
            patience=self._patience,
            closing=self.closing,
            jitter=random.random,  # noqa: S311 - spreads retries, keeps no secret
        )

    def entry(
        self,
        prompt: Prompt,
        request: KiroRequest,
        *,
        request_id: str,
        client: str,
        stream: bool,
        estimate: int,
    ) -> LiveRequest:
        """Make the entry of a request for the live view; it is in there once it runs."""
        return LiveRequest(
            id=request_id,
            at=wall_clock(),
            client=client,
            model=request.model_id,
            stream=stream,
            estimate=estimate,
            prefix_hash=request.prefix_hash,
            conversation=f"{prompt.salt}:{prompt.session}" if prompt.session else "",
        )

    def record(self, entry: LiveRequest, path: str, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        """Note what is asked and answered, if the owner wants captures."""
        if self._capturing is not None:
            lower = {name.lower(): value for name, value in headers}
            entry.recording = self._capturing.begin(path, lower, body)

    def settle(self, entry: LiveRequest, session: Session) -> SettledRequest:
        """Keep what is to be known of a request that is over; called once for each that ran."""
        settled = settle(entry, session.outcome)
        self.metrics.note_settled(settled, entry)
        self.books.note(settled)
        if self._capturing is not None and entry.recording is not None:
            self._capturing.finish(entry.recording, settled, session.outcome, self.settings)
        return settled

    def _build(self, prompt: Prompt) -> KiroRequest:
        ids = conversation_ids(prompt.session, prompt.salt, fallback=token_hex(16), agent=prompt.agent)
        return build_request(
            prompt,
            conversation_id=ids.conversation_id,
            continuation_id=ids.continuation_id,
            catalog=self.catalog,
            options=self.lessons.advise(prompt, self._options),
        )

    def _note_origin(self, origin: str) -> None:
        if origin != self._options.origin:
            self._options = replace(self._options, origin=origin)

    def _adopt_models(self, pages: Sequence[bytes]) -> None:
        self._pages = pages
        self.catalog = catalog_of(self.settings, pages)

    def _attempt(self, prompt: Prompt, witness: Witness | None) -> Attempt:
        attempts = self._attempts if witness is None else replace(self._attempts, witness=witness)
        search = offered_search(prompt)
        if search is None:
            return attempts
        query = asked_query(prompt)
        if query is not None:
            return SearchOnly(self._search, query, search)
        return SearchBetween(attempts, self._search, search)


def _estimate(prompt: Prompt) -> int:
    try:
        return estimate_tokens(prompt)
    except RecursionError:
        raise InvalidRequest("tools or their inputs are nested too deeply") from None
