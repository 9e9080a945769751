import json
import time
from contextlib import suppress
from dataclasses import replace

import pytest

from kiro_trio.conversation.faults import Fault
from kiro_trio.conversation.prompt import (
    Choice,
    Document,
    Image,
    Prompt,
    RedactedThinking,
    Text,
    Thinking,
    ThinkingMode,
    ThinkingWish,
    Tool,
    ToolChoice,
    ToolUse,
    WebSearch,
)
from kiro_trio.kiro.catalog import Catalog
from kiro_trio.kiro.hints import NO_HINTS
from kiro_trio.kiro.limits import Limits, PromptRefused
from kiro_trio.kiro.options import EarlierThinking, Prefill, RequestOptions, Unsupported
from kiro_trio.kiro.request import build_request
from kiro_trio.kiro.system import ACKNOWLEDGEMENT
from tests.kiro import wire_rules
from tests.kiro.prompts import (
    BASH,
    IDS,
    PNG,
    WRITE,
    assistant,
    call,
    result,
    session,
    system,
    user,
)
from tests.shared import messages_corpus, needs_shared

ARN = "arn:aws:codewhisperer:us-east-1:123456789012:profile/EXAMPLE"


def build(prompt, **changes):
    return build_request(prompt, **IDS, options=RequestOptions(**changes))


def sent(request, *, origin="AI_EDITOR", agent_fields=True, profile_arn=None):
    return request.body(origin=origin, agent_fields=agent_fields, profile_arn=profile_arn)


def state_of(request):
    return wire_rules.check(sent(request))["conversationState"]


def current_of(request):
    return state_of(request)["currentMessage"]["userInputMessage"]


def specifications(request):
    tools = current_of(request)["userInputMessageContext"].get("tools", [])
    return {tool["toolSpecification"]["name"]: tool["toolSpecification"] for tool in tools}


def ask(*turns, model="claude-sonnet-4.5", **fields):
    return Prompt(model, turns or (user("hi"),), **fields)


@pytest.fixture(scope="module")
def recorded():
    """The recorded requests as prompts; those are left out that the dialect answers by itself."""
    dialect = pytest.importorskip("kiro_trio.dialects.anthropic.request")
    errors = pytest.importorskip("kiro_trio.dialects.anthropic.errors")
    asked = {}
    for name, record in messages_corpus().items():
        with suppress(errors.InvalidRequest):
            asked[name] = dialect.parse_messages(json.dumps(record["body"]).encode()).prompt
    return asked


@needs_shared
def test_every_recorded_request_becomes_a_body_that_kiro_takes(recorded):
    assert len(recorded) > 100
    assert all("thread" in name for name in messages_corpus().keys() - recorded.keys())
    for prompt in recorded.values():
        body = sent(build(prompt), profile_arn=ARN)
        wire_rules.check(body)
        assert b"x-anthropic-billing-header" not in body


@needs_shared
@pytest.mark.parametrize("strict", [False, True])
def test_the_simulator_takes_every_recorded_request_too(recorded, strict):
    rules = pytest.importorskip("kiro_trio.simulator.rules")
    models = pytest.importorskip("kiro_trio.simulator.models").MODELS
    also = {"plain-schemas"} if strict else set()
    for name, prompt in recorded.items():
        found = rules.examine(
            sent(build(prompt, strict_schemas=strict)), models, also=also, without={"model"}
        )
        assert isinstance(found, rules.Question), (name, found)


class TestWire:
    def test_the_worked_example(self):
        prompt = Prompt(
            model="claude-sonnet-4-6",
            turns=(
                user("first"),
                user("second", Image("image/png", PNG)),
                assistant(
                    Thinking("need a file", "sig"),
                    "Reading.",
                    call("toolu_1", "Read", path="a.txt"),
                    call("toolu_lost", "Glob", p="*"),
                ),
                user(result("toolu_1", [Text("line 1"), Text("line 2")])),
                assistant(call("toolu_2", "N" * 80)),
                user(result("toolu_2", "boom", is_error=True), result("toolu_ghost", "x"), "go on"),
            ),
            system=("You are a helper.", "Be brief."),
            tools=(
                Tool(
                    "Read",
                    "Read a file",
                    {"type": "object", "properties": {"path": {"type": "string"}}, "required": None},
                ),
                Tool("N" * 80, "", {}),
            ),
            thinking=ThinkingWish(ThinkingMode.ADAPTIVE, effort="medium"),
        )
        request = build(prompt, native_effort=False)
        root = wire_rules.check(sent(request, profile_arn=ARN))
        short = request.tool_names.short("N" * 80)
        named = {"modelId": "claude-sonnet-4.6", "origin": "AI_EDITOR"}
        image = {"format": "png", "source": {"bytes": PNG}}
        done = [{"text": "line 1\nline 2"}]
        lost = [{"text": "There is no result: the call was not carried out, or its result was lost."}]
        bare = {"type": "object", "properties": {}, "required": [], "additionalProperties": True}
        schema = bare | {"properties": {"path": {"type": "string"}}}
        assert root == {
            "conversationState": {
                "conversationId": IDS["conversation_id"],
                "history": [
                    {"userInputMessage": named | {
                        "content": "<thinking_mode>adaptive</thinking_mode><thinking_effort>medium</thinking_effort>\n"
                        "You are a helper.\nBe brief.",
                    }},
                    {"assistantResponseMessage": {"content": ACKNOWLEDGEMENT}},
                    {"userInputMessage": named | {"content": "first\nsecond", "images": [image]}},
                    {"assistantResponseMessage": {
                        "content": "<thinking>need a file</thinking>\n\nReading.",
                        "toolUses": [
                            {"toolUseId": "toolu_1", "name": "Read", "input": {"path": "a.txt"}},
                            {"toolUseId": "toolu_lost", "name": "Glob", "input": {"p": "*"}},
                        ],
                    }},
                    {"userInputMessage": named | {"content": "", "userInputMessageContext": {"toolResults": [
                        {"toolUseId": "toolu_1", "content": done, "status": "success"},
                        {"toolUseId": "toolu_lost", "content": lost, "status": "error"},
                    ]}}},
                    {"assistantResponseMessage": {
                        "content": " ", "toolUses": [{"toolUseId": "toolu_2", "name": short, "input": {}}]
                    }},
                ],
                "currentMessage": {"userInputMessage": named | {
                    "content": "[Result of an earlier tool call, toolu_ghost:]\nx\ngo on",
                    "userInputMessageContext": {
                        "toolResults": [{"toolUseId": "toolu_2", "content": [{"text": "boom"}], "status": "error"}],
                        "tools": [
                            {"toolSpecification": {
                                "name": "Read", "description": "Read a file", "inputSchema": {"json": schema}
                            }},
                            {"toolSpecification": {
                                "name": short, "description": f"Tool: {short}", "inputSchema": {"json": bare}
                            }},
                            {"toolSpecification": {
                                "name": "Glob",
                                "description": "Tool used in conversation history",
                                "inputSchema": {"json": {"$schema": "http://json-schema.org/draft-07/schema#"} | bare},
                            }},
                        ],
                    },
                }},
                "chatTriggerType": "MANUAL",
                "agentContinuationId": IDS["continuation_id"],
                "agentTaskType": "vibe",
            },
            "profileArn": ARN,
        }  # fmt: skip
        assert request.warnings == (
            "stand-in declared for a tool of the history (1)",
            "missing tool result stood in for (1)",
            "tool result without its call put into the text (1)",
        )

    def test_a_lone_message_has_no_history_and_an_empty_context(self):
        state = state_of(build(ask()))
        assert "history" not in state
        assert state["currentMessage"]["userInputMessage"]["userInputMessageContext"] == {}

    def test_only_what_differs_between_attempts_differs(self):
        request = build(ask(*session(3), system=("Be brief.",), tools=(BASH,)))
        one = sent(request, profile_arn=ARN)
        other = sent(request, origin="KIRO_CLI", agent_fields=False)
        changed = json.loads(one.replace(b'"origin":"AI_EDITOR"', b'"origin":"KIRO_CLI"'))
        del changed["profileArn"]
        del changed["conversationState"]["agentContinuationId"], changed["conversationState"]["agentTaskType"]
        assert json.loads(other) == changed
        assert other.count(b"KIRO_CLI") == one.count(b"AI_EDITOR") == 5
        assert sent(request, profile_arn=ARN) == one

    def test_for_which_origin_it_is_made_ready_makes_no_difference(self):
        prompt = ask(*session(3), system=("Be brief.",), tools=(BASH,))
        ready = build(prompt, origin="KIRO_CLI")
        for origin in ("AI_EDITOR", "KIRO_CLI"):
            assert sent(ready, origin=origin) == sent(build(prompt), origin=origin)

    def test_a_tools_own_property_origin_is_left_alone(self):
        tool = Tool("T", "x", {"type": "object", "properties": {"origin": {"const": "AI_EDITOR"}}})
        turns = (user("a"), assistant(ToolUse("t", "T", {"origin": "AI_EDITOR"})), user(result("t")))
        body = json.loads(sent(build(ask(*turns, tools=(tool,))), origin="KIRO_CLI"))["conversationState"]
        assert body["history"][1]["assistantResponseMessage"]["toolUses"][0]["input"] == {
            "origin": "AI_EDITOR"
        }
        (entry,) = body["currentMessage"]["userInputMessage"]["userInputMessageContext"]["tools"]
        assert entry["toolSpecification"]["inputSchema"]["json"]["properties"] == {
            "origin": {"const": "AI_EDITOR"}
        }

    def test_an_origin_that_would_break_out_is_refused(self):
        with pytest.raises(ValueError, match="origin"):
            sent(build(ask()), origin='X","y":"')

    def test_native_documents_have_names_and_formats(self):
        pdf = Document("application/pdf", "JVBERi0=", "Ünder/report.v2")
        request = build(ask(user(pdf, Document(pdf.media_type, pdf.data), pdf)), native_documents=True)
        assert current_of(request)["documents"] == [
            {"name": name, "format": "pdf", "source": {"bytes": "JVBERi0="}}
            for name in ("nder report v2", "Document", "nder report v2 (2)")
        ]

    def test_signed_thinking_goes_back_as_reasoning_content(self):
        turns = (
            user("a"),
            assistant(Thinking("hm", "c2ln"), "b"),
            user("c"),
            assistant(RedactedThinking("c2Vj"), "d"),
            user("e"),
        )
        prompt = ask(*turns, model="claude-opus-4.8", thinking=ThinkingWish(ThinkingMode.ADAPTIVE))
        history = state_of(build(prompt))["history"]
        assert history[1]["assistantResponseMessage"]["reasoningContent"] == {
            "reasoningText": {"text": "hm", "signature": "c2ln"}
        }
        assert history[3]["assistantResponseMessage"]["reasoningContent"] == {"redactedContent": "c2Vj"}

    def test_the_repr_shows_nothing_that_was_said(self):
        shown = repr(build(ask(user("Geheim"), system=("Geheim",), tools=(Tool("Geheim", "Geheim", {}),))))
        assert "Geheim" not in shown
        assert "claude-sonnet-4.5" in shown


class TestCacheEconomy:
    def test_a_session_of_200_turns_keeps_its_head_and_all_that_was_said(self):
        turns = session(200)
        hashes, before, previous = set(), [], b""
        for end in [*range(2, 40, 2), 101, 202, len(turns)]:
            prompt = ask(*turns[:end], system=("You are a helper.",), tools=(BASH, WRITE))
            request = build(prompt)
            hashes.add(request.prefix_hash)
            body = sent(request)
            state = wire_rules.check(body)["conversationState"]
            assert state["history"][: len(before)] == before
            assert body.startswith(previous)
            previous = body[: body.rindex(b'],"currentMessage"')]
            before = state["history"]
        assert len(hashes) == 1

    @pytest.mark.parametrize(
        "change",
        [
            {"system": ("You are another.",)},
            {"tools": (WRITE,)},
            {"model": "claude-haiku-4.5"},
            {"thinking": ThinkingWish(ThinkingMode.ENABLED)},
        ],
        ids=["system", "tools", "model", "thinking"],
    )
    def test_the_hash_tells_another_head(self, change):
        prompt = ask(system=("You are a helper.",), tools=(BASH,))
        assert build(replace(prompt, **change)).prefix_hash != build(prompt).prefix_hash

    def test_what_holds_for_one_turn_is_not_said_in_the_head(self):
        prompt = ask(system=("You are a helper.",), tools=(BASH,))
        wish = replace(prompt, tool_choice=ToolChoice(Choice.ANY), json_schema={"type": "object"})
        assert build(wish).prefix_hash == build(prompt).prefix_hash

    def test_volatile_lines_do_not_reach_the_head(self):
        line = "x-anthropic-billing-header: cc_version=2.1.330.{}; cc_entrypoint=cli;"
        one, other = (build(ask(system=(line.format(version), "Be brief."))) for version in ("c8e", "232"))
        assert one.prefix_hash == other.prefix_hash == build(ask(system=("Be brief.",))).prefix_hash

    def test_a_message_that_was_current_reads_the_same_as_history(self):
        turns = (user("hi"), system("cwd: /p"))
        current = current_of(build(ask(*turns)))["content"]
        later = state_of(build(ask(*turns, assistant("yes"), user("go"))))["history"][0]["userInputMessage"][
            "content"
        ]
        assert current == later


class TestThinking:
    def test_native_where_the_catalogue_says_so(self):
        wish = ThinkingWish(ThinkingMode.ADAPTIVE, effort="medium")
        request = build(ask(model="claude-opus-4-8", thinking=wish, system=("S",)))
        root = json.loads(sent(request))
        assert root["additionalModelRequestFields"] == {
            "output_config": {"effort": "medium"},
            "thinking": {"type": "adaptive", "display": "summarized"},
        }
        assert root["conversationState"]["history"][0]["userInputMessage"]["content"] == "S"
        assert not request.thinking_tags

    def test_by_tags_where_not_even_without_a_system_text(self):
        request = build(ask(thinking=ThinkingWish(ThinkingMode.ENABLED, 8000)))
        root = json.loads(sent(request))
        assert "additionalModelRequestFields" not in root
        assert root["conversationState"]["history"][0]["userInputMessage"]["content"] == (
            "<thinking_mode>enabled</thinking_mode><max_thinking_length>8000</max_thinking_length>"
        )
        assert request.thinking_tags

    def test_the_name_of_the_model_may_ask_for_it(self):
        assert build(ask(model="claude-sonnet-4-5-20250929-thinking")).thinking_tags

    def test_not_asked_for_it_is_not_there(self):
        request = build(ask(model="claude-opus-4.8"))
        assert "additionalModelRequestFields" not in json.loads(sent(request))
        assert not request.thinking_tags

    @pytest.mark.parametrize("model", ["claude-opus-4.8", "claude-sonnet-4.5"])
    def test_a_model_that_is_shown_tags_will_write_tags(self, model):
        for earlier, expected in ((EarlierThinking.TAGS, True), (EarlierThinking.NATIVE, False)):
            for thought in ((), (Thinking("hm", "c2ln"),)):
                turns = (user("a"), assistant(*thought, "b"), user("c"))
                request = build(ask(*turns, model=model), earlier_thinking=earlier)
                assert request.thinking_tags == (expected and bool(thought))
                assert (b"<thinking>" in sent(request)) == request.thinking_tags


class TestSimpler:
    def test_native_effort_refused_leads_to_tags(self):
        turns = (user("a"), assistant(Thinking("hm", "c2ln"), "b"), user("c"))
        request = build(ask(*turns, model="claude-opus-4.8", thinking=ThinkingWish(ThinkingMode.ADAPTIVE)))
        simpler = request.simpler(Fault.EFFORT_REFUSED)
        assert "additionalModelRequestFields" not in json.loads(sent(simpler))
        assert simpler.thinking_tags
        assert state_of(simpler)["history"][3]["assistantResponseMessage"] == {
            "content": "<thinking>hm</thinking>\n\nb"
        }
        assert simpler.simpler(Fault.EFFORT_REFUSED) is None

    def test_tools_refused_leads_to_strict_schemas(self):
        tool = Tool("T", "x", {"type": "object", "properties": {"a": {"type": "string", "pattern": "x"}}})
        request = build(ask(tools=(tool,)))
        simpler = request.simpler(Fault.TOOLS_REFUSED)
        assert specifications(simpler)["T"]["inputSchema"]["json"] == {
            "type": "object",
            "properties": {"a": {"type": "string"}},
        }
        assert simpler.simpler(Fault.TOOLS_REFUSED) is None

    @pytest.mark.parametrize("fault", [Fault.TOOLS_REFUSED, Fault.EFFORT_REFUSED, Fault.BAD_REQUEST])
    def test_nothing_is_simpler_than_a_plain_request(self, fault):
        assert build(ask()).simpler(fault) is None

    def test_one_after_the_other(self):
        tool = Tool("T", "x", {})
        request = build(
            ask(tools=(tool,), model="claude-opus-4.8", thinking=ThinkingWish(ThinkingMode.ADAPTIVE))
        )
        both = request.simpler(Fault.TOOLS_REFUSED).simpler(Fault.EFFORT_REFUSED)
        assert "additionalModelRequestFields" not in json.loads(sent(both))
        assert "additionalProperties" not in specifications(both)["T"]["inputSchema"]["json"]


class TestSystem:
    def test_the_policy_is_said_to_clients_with_such_tools_only(self):
        def head(*tools, **changes):
            history = state_of(build(ask(system=("S",), tools=tools), **changes))["history"]
            return history[0]["userInputMessage"]["content"]

        assert head(BASH) == "S"
        assert head(WRITE).startswith("S\nKeep to the size limits")
        assert head(WRITE, hints=NO_HINTS) == "S"

    def test_blank_system_texts_are_nothing(self):
        assert "history" not in state_of(build(ask(system=("", " \n"))))


class TestToolChoice:
    @pytest.mark.parametrize(
        ("choice", "words"),
        [
            (ToolChoice(Choice.ANY), "at least one of your tools"),
            (ToolChoice(Choice.TOOL, "Bash"), "calling the tool Bash now"),
        ],
    )
    def test_is_said_in_words(self, choice, words):
        request = build(ask(tools=(BASH,), tool_choice=choice))
        content = current_of(request)["content"]
        assert content.startswith("hi\n<system-reminder>\n")
        assert words in content
        assert request.warnings == (f"tool choice {choice.choice.value} asked for in words (1)",)

    @pytest.mark.parametrize(
        ("choice", "asked"), [(Choice.AUTO, True), (Choice.ANY, True), (Choice.NONE, False)], ids=str
    )
    def test_one_call_at_a_time_is_asked_for_in_words(self, choice, asked):
        for tools in ((BASH,), ()):
            request = build(ask(tools=tools, tool_choice=ToolChoice(choice, parallel=False)))
            assert ("no more than one tool" in current_of(request)["content"]) == (asked and bool(tools))
            assert any("one tool call" in warning for warning in request.warnings) == (asked and bool(tools))

    def test_none_leaves_the_tools_out(self):
        request = build(ask(tools=(BASH,), tool_choice=ToolChoice(Choice.NONE)))
        assert specifications(request) == {}
        assert current_of(request)["content"] == "hi"

    def test_none_keeps_those_that_the_history_needs(self):
        turns = (user("a"), assistant(call("t"), call("g", "Glob")), user(result("t"), result("g")))
        request = build(ask(*turns, tools=(BASH, WRITE), tool_choice=ToolChoice(Choice.NONE)))
        assert list(specifications(request)) == ["Bash", "Glob"]
        assert specifications(request)["Bash"]["description"] == "Runs a command."
        assert "Do not call any tool" in current_of(request)["content"]

    def test_a_tool_that_is_not_there_is_refused(self):
        with pytest.raises(PromptRefused) as refusal:
            build(ask(tools=(BASH,), tool_choice=ToolChoice(Choice.TOOL, "Nope")))
        assert refusal.value.path == "tool_choice.name"


class TestAnswerForm:
    def test_a_json_schema_is_asked_for_in_words(self):
        request = build(ask(json_schema={"type": "object", "properties": {"title": {"type": "string"}}}))
        content = current_of(request)["content"]
        assert '{"type":"object","properties":{"title":{"type":"string"}}}' in content
        assert "nothing else" in content
        assert request.warnings == ("JSON schema of the answer asked for in words (1)",)


class TestWebSearch:
    def test_among_other_tools_it_is_a_tool(self):
        search = WebSearch(max_uses=3)
        request = build(ask(tools=(BASH,), web_search=search))
        assert list(specifications(request)) == ["Bash", "web_search"]
        assert specifications(request)["web_search"]["inputSchema"]["json"]["required"] == ["query"]
        assert request.web_search == search

    def test_a_clients_tool_of_that_name_wins(self):
        own = Tool("web_search", "Mine.", {})
        request = build(ask(tools=(own,), web_search=WebSearch()))
        assert specifications(request)["web_search"]["description"] == "Mine."
        assert request.web_search is None
        assert request.warnings == ("web search left out: a tool has its name (1)",)


class TestRefusals:
    def test_no_message(self):
        with pytest.raises(PromptRefused) as refusal:
            build(Prompt("auto", ()))
        assert refusal.value.path == "messages"

    def test_nothing_but_a_prefill_that_is_dropped(self):
        with pytest.raises(PromptRefused, match="no message"):
            build(ask(assistant("{")), prefill=Prefill.DROP)

    def test_an_unknown_model_if_the_owner_wants_that(self):
        with pytest.raises(PromptRefused) as refusal:
            build_request(ask(model="nope"), **IDS, catalog=Catalog(unknown="refuse"))
        assert (refusal.value.status, refusal.value.path) == (404, "model")

    @pytest.mark.parametrize(
        ("limits", "limit"),
        [
            (Limits(body_bytes=1000), "request's body"),
            (Limits(user_chars=50), "text of one message"),
            (Limits(result_chars=50), "result of one tool call"),
            (Limits(history_entries=3), "conversation"),
        ],
        ids=["body", "text", "result", "history"],
    )
    def test_a_limit_is_named_before_anything_is_sent(self, limits, limit):
        prompt = ask(user("x" * 100), *session(3)[1:])
        with pytest.raises(PromptRefused) as refusal:
            build(prompt, limits=limits)
        assert refusal.value.limit == limit
        assert refusal.value.size > refusal.value.maximum > 0
        assert str(refusal.value).startswith("prompt is too long: ")
        assert str(refusal.value.maximum) in str(refusal.value)

    def test_no_limit_is_no_limit(self):
        assert build(ask(user("x" * 700_000)), limits=Limits(user_chars=0, body_bytes=0)).size > 700_000

    def test_an_unsupported_image_if_the_owner_wants_that(self):
        with pytest.raises(PromptRefused) as refusal:
            build(ask(user("a"), user(Image("image/bmp", "Qk0="))), unsupported=Unsupported.REFUSE)
        assert refusal.value.path == "messages.1.content"

    def test_nesting_without_end(self):
        deep = {}
        for _ in range(100_000):
            deep = {"a": deep}
        with pytest.raises(PromptRefused, match="nested"):
            build(ask(tools=(Tool("T", "x", {"properties": deep}),)))
        with pytest.raises(PromptRefused, match="nested"):
            build(ask(user("a"), assistant(ToolUse("t", "T", deep)), user(result("t"))))

    def test_half_a_character(self):
        with pytest.raises(PromptRefused, match="surrogate"):
            build(ask(user("\ud83d")))


def fastest(work, times=10):
    durations = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        durations.append(time.perf_counter() - began)
    return min(durations)


def test_a_body_of_a_megabyte_is_made_in_a_moment():
    request = build(ask(*session(200, output=4_800), tools=(BASH, WRITE), system=("s" * 20_000,)))
    assert request.size > 1_000_000
    assert fastest(lambda: sent(request, profile_arn=ARN)) < 0.02  # 1 ms when nobody else is there


def test_warnings_of_the_dialect_come_first():
    request = build(ask(model="claude-opus-5-5", warnings=("role developer taken as system",)))
    assert request.warnings == ("role developer taken as system", "model replaced by claude-opus-5 (1)")
    assert (request.model_id, request.window) == ("claude-opus-5", 1_000_000)
