"""Figures of the gateway for Prometheus. Every set of labels has an end, and no label is a client's word.

Each gateway has a registry of its own. Counters are counted when something is over; what can be looked up at any time
(requests in flight, how accounts stand) is looked up when somebody reads the page, by `kiro_trio.gateway.gauges`.
"""

import re
from collections import Counter as Count
from collections import OrderedDict
from collections.abc import Mapping

import trio
from prometheus_client import CollectorRegistry, Counter, Histogram, Info, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from kiro_trio import __version__
from kiro_trio.gateway.live import LiveRequest
from kiro_trio.gateway.settled import WHOLE, SettledRequest
from kiro_trio.gateway.silences import Silences

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

OTHER = "other"

_MOST_MODELS = 100
_MOST_NAMES = 100
_LONGEST_NAME = 80
_MOST_CONVERSATIONS = 4096
_LOOK_EVERY = 0.5

_WAITS = (0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300)
_WHOLES = (0.5, 1, 2, 5, 10, 20, 40, 60, 120, 300, 600, 1800)
_LAGS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
_RATIOS = (0.5, 0.7, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2, 1.3, 1.5, 2.0)

_UNNAMEABLE = re.compile(r"[^A-Za-z0-9_.:/ '-]")


class Metrics:
    """All counters and histograms. `registry` takes more collectors."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry(auto_describe=False)
        self.unknown_seen: Count[str] = Count()
        """What `note_unknown` was told, for the owner's page."""
        self._models: set[str] = set()
        self._names: set[str] = set()
        self._prefixes: OrderedDict[str, str] = OrderedDict()
        Info("kiro_trio_build", "The running version.", registry=registry).info({"version": __version__})
        self.requests = Counter(
            "kiro_trio_requests",
            "Requests by what they asked for, Kiro's model and the status that the client saw; 499: it left.",
            ("route", "model", "status"),
            registry=registry,
        )
        self.outcomes = Counter(
            "kiro_trio_outcomes",
            "How requests for a message ended: whole, or the fault.",
            ("outcome",),
            registry=registry,
        )
        self.seconds = Histogram(
            "kiro_trio_request_seconds",
            "Length of requests for a message.",
            registry=registry,
            buckets=_WHOLES,
        )
        self.first_content = Histogram(
            "kiro_trio_first_content_seconds",
            "From a request's start to its first content towards the client, all tries included.",
            registry=registry,
            buckets=_WAITS,
        )
        self.first_byte = Histogram(
            "kiro_trio_first_byte_seconds",
            "From an attempt's start to the first events of Kiro's answer.",
            registry=registry,
            buckets=_WAITS,
        )
        self.silences = Silences()
        registry.register(self.silences)
        self.attempts = Counter(
            "kiro_trio_attempts",
            "Tries by how they ended: whole, or the fault.",
            ("outcome",),
            registry=registry,
        )
        self.retries = Counter(
            "kiro_trio_retries", "Tries beyond the first of their request.", registry=registry
        )
        self.small_calls = Counter(
            "kiro_trio_small_calls",
            "Calls to Kiro beside the replies (renewals above all) by purpose and answer.",
            ("purpose", "answer"),
            registry=registry,
        )
        self.tokens = Counter(
            "kiro_trio_tokens",
            "Tokens of whole replies, as told or estimated.",
            ("model", "kind"),
            registry=registry,
        )
        self.credits = Counter(
            "kiro_trio_credits", "Credits that Kiro charged, by model.", ("model",), registry=registry
        )
        self.estimate = Histogram(
            "kiro_trio_estimate_ratio",
            "Our estimate of a prompt's tokens through Kiro's own number.",
            registry=registry,
            buckets=_RATIOS,
        )
        self.prefixes = Counter(
            "kiro_trio_prompt_prefix",
            "Prompts of known conversations by whether their head (system text, tools, model) is the last one's.",
            ("head",),
            registry=registry,
        )
        self.lag = Histogram(
            "kiro_trio_event_loop_lag_seconds",
            "How much later than due a task was run.",
            registry=registry,
            buckets=_LAGS,
        )
        self.unknown = Counter(
            "kiro_trio_unknown",
            "What Kiro said that we do not know, by shape: names of events, `event.field`s, reasons.",
            ("name",),
            registry=registry,
        )

    def page(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self.registry)

    def note_settled(self, request: SettledRequest, entry: LiveRequest) -> None:
        """Count a request that is over."""
        model = self.model_label(request.model)
        self.note_answer("messages", request.status, model)
        self.outcomes.labels(request.outcome).inc()
        self.seconds.observe(request.seconds)
        if request.first_content is not None:
            self.first_content.observe(request.first_content)
        for attempt in request.attempts:
            self.attempts.labels(attempt.outcome).inc()
            if attempt.outcome in _VAGUE and attempt.reason:
                self.note_unknown({f"reason {attempt.reason}": 1})
        self.retries.inc(max(0, len(request.attempts) - 1))
        self._note_usage(request, model)
        if entry.conversation:
            self._note_prefix(entry.conversation, entry.prefix_hash)

    def note_answer(self, route: str, status: int, model: str = "") -> None:
        """Count an answer; `route` is one of ours, `model` went through `model_label`."""
        self.requests.labels(route, model, str(status)).inc()

    def note_call(self, purpose: str, answer: str) -> None:
        """Count a small call."""
        self.small_calls.labels(purpose, answer).inc()

    def note_unknown(self, names: Mapping[str, int] | Count[str]) -> None:
        """Count what Kiro said that we do not know; beyond a hundred names all others are one."""
        for name, times in names.items():
            short = _bounded(_UNNAMEABLE.sub("?", name[:_LONGEST_NAME]), self._names, _MOST_NAMES)
            self.unknown_seen[short] += times
            self.unknown.labels(short).inc(times)

    def model_label(self, model: str) -> str:
        """A model's name as a label: clients may make names up, and only so many can be counted apart."""
        return _bounded(_UNNAMEABLE.sub("?", model[:_LONGEST_NAME]), self._models, _MOST_MODELS)

    async def watch_loop(self) -> None:
        """Measure for ever how late the event loop is."""
        while True:
            due = trio.current_time() + _LOOK_EVERY
            await trio.sleep_until(due)
            self.lag.observe(max(0.0, trio.current_time() - due))

    def _note_usage(self, request: SettledRequest, model: str) -> None:
        kinds = {
            "input": request.input_tokens,
            "output": request.output_tokens,
            "cache_read": request.cache_read_tokens,
            "cache_write": request.cache_write_tokens,
        }
        for kind, tokens in kinds.items():
            if tokens:
                self.tokens.labels(model, kind).inc(tokens)
        if request.credits:
            self.credits.labels(model).inc(request.credits)
        told = sum(tokens or 0 for kind, tokens in kinds.items() if kind != "output")
        if request.outcome == WHOLE and told and request.estimate:
            self.estimate.observe(request.estimate / told)

    def _note_prefix(self, conversation: str, head: str) -> None:
        """A head that changes inside a conversation costs its whole prompt cache; the owner should see it."""
        last = self._prefixes.pop(conversation, None)
        self._prefixes[conversation] = head
        if len(self._prefixes) > _MOST_CONVERSATIONS:
            self._prefixes.popitem(last=False)
        self.prefixes.labels("new" if last is None else "same" if last == head else "changed").inc()


_VAGUE = frozenset({"bad_request", "unexpected_status", "server_error"})
"""Faults under which reasons end that nobody has classified."""


def _bounded(name: str, names: set[str], most: int) -> str:
    if name not in names:
        if len(names) >= most:
            return OTHER
        names.add(name)
    return name
