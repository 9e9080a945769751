"""Any prompt, said to Kiro in any manner, is a body that keeps all of Kiro's rules, and no word of it is missing.

The rules stand in `tests/kiro/wire_rules.py`, written down again from docs/wire.md. The same prompt gives the same bytes.
"""

import json
from dataclasses import replace

from hypothesis import strategies as st

from fuzz.strategies.prompts import options, prompts
from kiro_trio.conversation.faults import Fault
from kiro_trio.conversation.prompt import Prompt
from kiro_trio.kiro.options import Prefill, RequestOptions
from kiro_trio.kiro.request import build_request
from tests.kiro import wire_rules
from tests.kiro.prompts import IDS, user

BOUNDED = 60
EXAMPLES = st.tuples(prompts(), options)

_ARN = "arn:aws:codewhisperer:us-east-1:123456789012:profile/EXAMPLE"


def check(example: tuple[tuple[Prompt, list[str]], RequestOptions]) -> None:
    (prompt, words), chosen = example
    if chosen.prefill is Prefill.DROP:  # or there might be nothing left to say
        prompt = replace(prompt, turns=(user("first"), *prompt.turns))
    if not prompt.turns:
        return
    request = build_request(prompt, **IDS, options=chosen)
    body = _body(request)
    root = wire_rules.check(body)
    assert _body(build_request(prompt, **IDS, options=chosen)) == body
    if chosen.prefill is Prefill.CONTINUE:
        said = json.dumps(root["conversationState"], ensure_ascii=False)
        assert [word for word in words if word not in said] == []
    for fault in Fault:
        if (simpler := request.simpler(fault)) is not None:
            wire_rules.check(_body(simpler))


def _body(request) -> bytes:
    return request.body(origin="AI_EDITOR", agent_fields=True, profile_arn=_ARN)
