from dataclasses import replace

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.conversation.prompt import Prompt, Text, Tool, Turn
from kiro_trio.kiro.options import RequestOptions
from kiro_trio.kiro.refusals import SIGNATURE_INVALID, SIMPLER, Refusals
from kiro_trio.session.plan import POLICIES, Next

PROMPT = Prompt(
    "claude-opus-4.8", (Turn("user", (Text("a"),)),), tools=(Tool("T", "", {}),), session="s", salt="k"
)
PLAIN = RequestOptions()


def knowing(*failures: Failure, prompt: Prompt = PROMPT) -> Refusals:
    refusals = Refusals()
    refusals.learn(prompt, failures)
    return refusals


def test_every_fault_that_a_simpler_request_may_mend_is_remembered():
    assert {fault for fault, policy in POLICIES.items() if policy.next is Next.SIMPLIFY} == set(SIMPLER)


def test_nothing_is_left_out_before_it_was_refused():
    assert knowing(Failure(Fault.THROTTLED)).adapt(PROMPT, PLAIN) is PLAIN


def test_a_refused_effort_is_about_the_model():
    refusals = knowing(Failure(Fault.EFFORT_REFUSED))
    assert not refusals.adapt(replace(PROMPT, session="t", tools=()), PLAIN).native_effort
    assert refusals.adapt(replace(PROMPT, model="claude-opus-5"), PLAIN) == PLAIN


def test_a_refused_definition_is_about_the_set_of_tools():
    refusals = knowing(Failure(Fault.TOOLS_REFUSED))
    assert refusals.adapt(replace(PROMPT, session="t"), PLAIN) == replace(PLAIN, strict_schemas=True)
    assert refusals.adapt(replace(PROMPT, tools=()), PLAIN) == PLAIN


def test_a_refused_signature_is_about_the_session():
    refusals = knowing(Failure(Fault.EFFORT_REFUSED, reason=SIGNATURE_INVALID))
    assert not refusals.adapt(replace(PROMPT, tools=()), PLAIN).native_effort
    for other in (replace(PROMPT, session="t"), replace(PROMPT, salt="l"), replace(PROMPT, session="")):
        assert refusals.adapt(other, PLAIN) == PLAIN


def test_a_signature_of_no_session_is_nobody_elses_trouble():
    nameless = replace(PROMPT, session="")
    refusals = knowing(Failure(Fault.EFFORT_REFUSED, reason=SIGNATURE_INVALID), prompt=nameless)
    assert refusals.adapt(PROMPT, PLAIN) == PLAIN
    assert refusals.adapt(nameless, PLAIN) == PLAIN


def test_both_at_once():
    refusals = knowing(Failure(Fault.EFFORT_REFUSED), Failure(Fault.TOOLS_REFUSED))
    assert refusals.adapt(PROMPT, PLAIN) == replace(PLAIN, native_effort=False, strict_schemas=True)


def test_the_memory_is_bounded_and_forgets_what_was_not_used():
    refusals = Refusals()
    refusals.learn(PROMPT, [Failure(Fault.EFFORT_REFUSED)])
    for number in range(3000):
        refusals.learn(replace(PROMPT, model=f"m{number}"), [Failure(Fault.EFFORT_REFUSED)])
        if number < 2500:
            assert not refusals.adapt(PROMPT, PLAIN).native_effort
    assert len(refusals) == 1024
    assert refusals.adapt(replace(PROMPT, model="m0"), PLAIN).native_effort
