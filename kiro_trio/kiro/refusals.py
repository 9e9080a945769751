"""Refusals: what Kiro did not take is not offered to it again.

A model without native effort refuses it in every turn, and a tool's definition stays what it is: without a memory each
turn would fail once before it succeeds. A memory too wide would make the requests of others plainer for nothing, so
each fault is remembered for what it is about: a refused effort for the model, a signature for the session, a definition
for the set of tools that it came in.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.conversation.prompt import Prompt
from kiro_trio.kiro.options import RequestOptions

SIMPLER: Mapping[Fault, Mapping[str, Any]] = MappingProxyType({
    Fault.TOOLS_REFUSED: {"strict_schemas": True},
    Fault.EFFORT_REFUSED: {"native_effort": False},
})  # fmt: skip
"""What a fault says that Kiro does not take: the second try goes without it."""

SIGNATURE_INVALID = "THINKING_SIGNATURE_INVALID"

_MOST = 1024

Key = tuple[object, ...]


class Refusals:
    """Remembers refusals and says what to leave out for their sake; the 1024 used last are kept."""

    def __init__(self) -> None:
        self._known: OrderedDict[Key, Fault] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def learn(self, prompt: Prompt, failures: Iterable[Failure]) -> None:
        """Take in why attempts at `prompt` failed before one of them succeeded."""
        for failure in failures:
            if failure.fault in SIMPLER and (key := _key(prompt, failure)):
                self._known[key] = failure.fault
        while len(self._known) > _MOST:
            self._known.popitem(last=False)

    def adapt(self, prompt: Prompt, options: RequestOptions) -> RequestOptions:
        """The options to begin with for `prompt`."""
        for key in (_tools(prompt), _effort(prompt), _signatures(prompt)):
            fault = self._known.get(key)
            if fault is not None:
                self._known.move_to_end(key)
                options = replace(options, **SIMPLER[fault])
        return options


def _key(prompt: Prompt, failure: Failure) -> Key:
    if failure.fault is Fault.TOOLS_REFUSED:
        return _tools(prompt)
    return _signatures(prompt) if failure.reason == SIGNATURE_INVALID else _effort(prompt)


def _tools(prompt: Prompt) -> Key:
    return ("tools", prompt.model, *(tool.name for tool in prompt.tools))


def _effort(prompt: Prompt) -> Key:
    return ("effort", prompt.model)


def _signatures(prompt: Prompt) -> Key:
    # Without a session there is nothing that the next request could be known by.
    return ("signatures", prompt.model, prompt.salt, prompt.session) if prompt.session else ()
