"""Request: a prompt, said to Kiro.

`build_request` makes everything that all attempts share; `KiroRequest.body` adds what an attempt's credential and endpoint
bring. Source: docs/wire.md, "Request body".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

import msgspec

from kiro_trio.conversation.faults import Fault
from kiro_trio.conversation.prompt import (
    Choice,
    Prompt,
    Thinking,
    ToolChoice,
    ToolUse,
    Turn,
    WebSearch,
)
from kiro_trio.kiro.catalog import DEFAULT, Catalog, UnknownModel
from kiro_trio.kiro.effort import ThinkingPlan, named_wish, plan_thinking
from kiro_trio.kiro.entries import Entry, Handback, ModelEntry, UserEntry, as_system
from kiro_trio.kiro.envelope import Envelope
from kiro_trio.kiro.history import normalise
from kiro_trio.kiro.limits import Limits, PromptRefused, guard
from kiro_trio.kiro.media import admit
from kiro_trio.kiro.models import Model
from kiro_trio.kiro.options import EarlierThinking, RequestOptions
from kiro_trio.kiro.refusals import SIMPLER
from kiro_trio.kiro.system import ACKNOWLEDGEMENT, client_text, system_text, turn_instructions
from kiro_trio.kiro.tally import Tally
from kiro_trio.kiro.tool_names import ToolNames
from kiro_trio.kiro.tools import Declared, ToolEntry, declare, offered_search, offered_tools

_DEFAULT_OPTIONS = RequestOptions()


@dataclass(frozen=True, slots=True)
class KiroRequest:
    """A prompt ready to be sent, as often as it takes. Its repr shows nothing that anybody said.

    Attributes:
        model_id: Kiro's name of the model.
        window: tokens that the model takes in.
        tool_names: the way back from Kiro's names of tools to the client's.
        thinking_tags: the model will write its thinking between tags into its text: it was asked to, or it is shown that it
            did so before.
        warnings: what was changed or left out, a few words and a number each, the dialect's first.
        prefix_hash: names the head that all turns of a session share (model, system text, tools), for log and metrics.
        max_tokens: the client's limit of the answer; the wire has no field for it.
        stop_sequences: likewise.
        bare_json: the answer was asked for as JSON and nothing else, in words.
        web_search: set if the model was offered a search that the gateway must run.
        size: bytes of the body, to about a hundred.
    """

    model_id: str
    window: int
    tool_names: ToolNames = field(repr=False)
    thinking_tags: bool
    warnings: tuple[str, ...]
    prefix_hash: str
    max_tokens: int | None
    stop_sequences: tuple[str, ...] = field(repr=False)
    bare_json: bool
    web_search: WebSearch | None = field(repr=False)
    size: int
    _envelope: Envelope = field(repr=False, compare=False)
    _agent_fields: bytes = field(repr=False)
    _model_fields: bytes = field(repr=False)
    _source: "_Source" = field(repr=False, compare=False)

    def body(self, *, origin: str, agent_fields: bool, profile_arn: str | None) -> bytes:
        """The JSON body for one attempt.

        `origin` says which of Kiro's clients is speaking, `agent_fields` whether it names its work; both are the
        endpoint's. `profile_arn` is the credential's, None to send none.
        """
        tail = self._model_fields
        if profile_arn:
            tail = b',"profileArn":' + msgspec.json.encode(profile_arn) + tail
        return self._envelope.sealed(origin, self._agent_fields if agent_fields else b"", tail)

    def simpler(self, fault: Fault) -> "KiroRequest | None":
        """The same request without what `fault` says Kiro refused; None if there is nothing to leave out."""
        changes = SIMPLER.get(fault, {})
        options = replace(self._source.options, **changes)
        if options == self._source.options:
            return None
        try:
            simpler = replace(self._source, options=options).build()
        except PromptRefused:  # what is asked in other words may be longer
            return None
        ours, theirs = (
            request.body(origin=options.origin, agent_fields=False, profile_arn=None)
            for request in (self, simpler)
        )
        return None if ours == theirs else simpler

    def asking_on(self, turns: tuple[Turn, ...]) -> "KiroRequest":
        """The same request with `turns` behind those that it has: the same conversation, with nothing in it that Kiro refused.

        A model that had to call a tool and did is free now, lest it calls that one for ever.

        Raises:
            PromptRefused: with `turns` it is too long.
        """
        prompt = self._source.prompt
        choice = prompt.tool_choice
        called = {block.name for turn in turns for block in turn.blocks if isinstance(block, ToolUse)}
        if choice.choice is Choice.ANY or choice.name in called:
            choice = ToolChoice(parallel=choice.parallel)
        longer = replace(prompt, turns=(*prompt.turns, *turns), tool_choice=choice)
        return replace(self._source, prompt=longer).build()


def build_request(
    prompt: Prompt,
    *,
    conversation_id: str,
    continuation_id: str,
    catalog: Catalog = DEFAULT,
    options: RequestOptions = _DEFAULT_OPTIONS,
) -> KiroRequest:
    """Say `prompt` as Kiro's generateAssistantResponse wants it. Linear in the prompt's length.

    The ids come from `kiro_trio.kiro.identity.conversation_ids`.

    Raises:
        PromptRefused: it can never be said to Kiro; the error says why, and where.
    """
    return _Source(prompt, conversation_id, continuation_id, catalog, options).build()


@dataclass(frozen=True, slots=True)
class _Source:
    """All that a request is made of."""

    prompt: Prompt
    conversation_id: str
    continuation_id: str
    catalog: Catalog
    options: RequestOptions

    def build(self) -> KiroRequest:
        try:
            return self._built()
        except RecursionError:
            raise PromptRefused("Tools or their inputs are nested too deeply.") from None
        except UnicodeEncodeError:
            raise PromptRefused(
                "A text holds half of a surrogate pair, which is no Unicode character."
            ) from None

    def _built(self) -> KiroRequest:
        prompt, options, tally = self.prompt, self.options, Tally()
        system, clock = client_text(prompt.system)
        tally.note("line that tells the time moved from the system text to the turn", len(clock.splitlines()))
        model, plan = self._model(system, tally)
        history = normalise(admit(prompt.turns, options, tally), options.prefill, _handback(plan, options))
        current = history.current
        if current is None:
            raise PromptRefused("There is no message.", path="messages")
        names, tools, policy = self._tools(history.earlier, tally)
        head = _head(system_text(plan.tags, system, tools.continued, policy))
        earlier = [*head, *history.earlier]
        asked = turn_instructions(prompt, names, tools=bool(tools.entries), tally=tally)
        if instructions := system_text(clock, asked):
            current.say(as_system(instructions), "\n")
        _check(earlier, current, options.limits)
        envelope = Envelope(self.conversation_id, model.id, names, earlier, current, tools.entries)
        size = envelope.size(options.origin)
        guard("request's body", size, options.limits.body_bytes, "bytes")
        return KiroRequest(
            model_id=model.id,
            window=model.window,
            tool_names=names,
            thinking_tags=plan.by_tags or _shown_tags(prompt.turns, options),
            warnings=(*prompt.warnings, *tally.warnings(), *history.warnings),
            prefix_hash=_prefix_hash(model.id, head, tools.entries),
            max_tokens=prompt.max_tokens,
            stop_sequences=prompt.stop_sequences,
            bare_json=prompt.json_schema is not None,
            web_search=offered_search(prompt),
            size=size,
            _envelope=envelope,
            _agent_fields=_agent_fields(self.continuation_id),
            _model_fields=_model_fields(plan),
            _source=self,
        )

    def _model(self, system: str, tally: Tally) -> tuple[Model, ThinkingPlan]:
        prompt = self.prompt
        try:
            resolution = self.catalog.resolve(prompt.model)
        except UnknownModel:
            raise PromptRefused("There is no such model.", path="model", status=404) from None
        model = resolution.model
        tally.note(f"model replaced by {model.id}", int(resolution.substitute))
        wish = named_wish(prompt.thinking, resolution)
        return model, plan_thinking(wish, model, system, prompt.max_tokens, self.options, tally)

    def _tools(self, entries: Iterable[Entry], tally: Tally) -> tuple[ToolNames, Declared, str]:
        """The names, the declarations, and what the system text says about the size of calls."""
        called = _called(entries)
        offered = offered_tools(self.prompt, tally)
        names = ToolNames((tool.name for tool in offered), called)
        tools = declare(self.prompt, offered, called, names, self.options, tally)
        return names, tools, self.options.hints.policy_for(tool.name for tool in offered)


def _handback(plan: ThinkingPlan, options: RequestOptions) -> Handback:
    match options.earlier_thinking:
        case EarlierThinking.NATIVE:
            return Handback(native=plan.native, tags=plan.by_tags)
        case EarlierThinking.TAGS:
            return Handback(tags=True)
        case EarlierThinking.DROP:
            return Handback()


def _shown_tags(turns: Sequence[Turn], options: RequestOptions) -> bool:
    """Whether earlier thinking stands between tags of ours, which the model will imitate although nobody asked."""
    return options.earlier_thinking is EarlierThinking.TAGS and any(
        isinstance(block, Thinking) for turn in turns for block in turn.blocks
    )


def _called(entries: Iterable[Entry]) -> list[str]:
    """The names of all tools that the model has called, in order."""
    answers = [entry for entry in entries if type(entry) is ModelEntry]
    return list(dict.fromkeys(call.name for answer in answers for call in answer.calls))


def _head(system: str) -> tuple[Entry, ...]:
    return (UserEntry([system]), ModelEntry([ACKNOWLEDGEMENT])) if system else ()


def _check(earlier: Sequence[Entry], current: Entry, limits: Limits) -> None:
    """Refuse what would break a limit; the body as a whole is checked when it is there."""
    guard("conversation", len(earlier), limits.history_entries, "messages", "messages")
    users = [entry for entry in (*earlier, current) if type(entry) is UserEntry]
    text = max(len(entry.text) for entry in users)
    guard("text of one message", text, limits.user_chars, "characters")
    result = max((len(answer.text) for entry in users for answer in entry.answers), default=0)
    guard("result of one tool call", result, limits.result_chars, "characters")


def _prefix_hash(model_id: str, head: tuple[Entry, ...], tools: Sequence[ToolEntry]) -> str:
    said = [entry.text for entry in head]
    return blake2b(msgspec.json.encode((model_id, said, tools)), digest_size=8).hexdigest()


def _agent_fields(continuation_id: str) -> bytes:
    return b',"agentContinuationId":' + msgspec.json.encode(continuation_id) + b',"agentTaskType":"vibe"'


def _model_fields(plan: ThinkingPlan) -> bytes:
    return (
        b"" if plan.fields is None else b',"additionalModelRequestFields":' + msgspec.json.encode(plan.fields)
    )
