"""What Claude Code expects of a gateway, row by row, and what holds each row here.

Claude Code publishes it as "Gateway protocol reference" (code.claude.com/docs/en/llm-gateway-protocol). A row is held by
tests, named `file::test`, or it has a reason why it does not apply with Kiro behind the gateway.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement: `tests` hold it, or `reason` says why it cannot be or need not be held."""

    section: str
    requirement: str
    tests: tuple[str, ...] = ()
    reason: str = ""


HERE = "conformance/test_gateway_contract.py"
CLIENTS = "conformance/test_clients.py"
WORK = "end_to_end/test_claude_code_work.py"
ENDPOINTS = "end_to_end/test_endpoints.py"
CONVERSIONS = "end_to_end/test_conversions.py"

CONTRACT: tuple[Row, ...] = (
    Row("formats", "serve POST /v1/messages", (f"{CLIENTS}::test_every_request_is_answered",)),
    Row("formats", "match on the path: requests come with ?beta=true", (f"{ENDPOINTS}::test_every_path_to_a_message",)),
    Row("formats", "serve count_tokens (optional)", (f"{ENDPOINTS}::test_tokens_are_counted",)),
    Row("formats", "serve the Bedrock and Vertex formats", reason="One format is enough; the client's variable chooses it."),
    Row("formats", "reject best-effort traffic at start (HEAD /, HEAD /api/hello) without breaking", (f"{ENDPOINTS}::test_the_root_answers_head_and_get", f"{ENDPOINTS}::test_a_probe_of_a_path_that_is_not_there_is_answered_at_once")),
    Row("formats", "stream answers as they come, do not collect them", (f"{HERE}::test_words_are_passed_on_as_they_come",)),
    Row("formats", "send pings in the gaps of an upstream that sends none", (f"{HERE}::test_a_silent_upstream_is_filled_with_pings",)),
    Row("formats", "bridge what the upstream does not take", (f"{CLIENTS}::test_what_is_said_to_kiro_keeps_all_its_rules",)),
    Row("formats", "bodies may come packed (behind a switch of the client)", ("web/test_unpacking.py::test_requests_may_come_packed",)),
    Row("headers", "take the credential from authorization, x-api-key or both", (f"{ENDPOINTS}::test_either_key_opens",)),
    Row("headers", "forward anthropic-version unchanged", reason="Kiro has no such header. Any value is taken.", tests=(f"{HERE}::test_headers_are_an_open_list",)),
    Row("headers", "forward anthropic-beta unchanged", reason="Kiro has no such header; what a beta asks for is done here or ignored. Any value is taken.", tests=(f"{HERE}::test_headers_are_an_open_list",)),
    Row("headers", "forward the OAuth capability of claude.ai logins", reason="The upstream is Kiro, where nobody logs in with claude.ai; such a login's key is refused at the door."),
    Row("headers", "x-claude-code-session-id groups the requests of a session", (f"{CONVERSIONS}::test_turns_share_a_conversation_and_sub_agents_do_not",)),
    Row("headers", "x-claude-code-agent-id tells a session's sub-agents apart", (f"{CONVERSIONS}::test_turns_share_a_conversation_and_sub_agents_do_not",)),
    Row("headers", "x-claude-code-parent-agent-id names a nested agent's parent", reason="May be consumed; an agent's own id is fresh for each spawn and tells enough."),
    Row("headers", "new headers and body fields break nothing", (f"{HERE}::test_headers_are_an_open_list", f"{HERE}::test_bodies_are_an_open_list")),
    Row("attribution", "the block does not spoil a prompt cache", (f"{HERE}::test_the_attribution_block_does_not_reach_kiro", "conformance/test_session_cost.py::test_the_head_is_the_same_in_every_turn")),
    Row("attribution", "do not strip it in the gateway", reason="Meant for Claude's own endpoints, which read it; to Kiro it would be a part of the prompt."),
    Row("features", "adaptive thinking, also for models that the client does not know", (f"{HERE}::test_adaptive_thinking_for_any_model", f"{WORK}::test_thinking_comes_back_signed_in_the_next_turn")),
    Row("features", "context_management is accepted", (f"{HERE}::test_bodies_are_an_open_list",)),
    Row("features", "context_management clears old thinking on the server", reason="Kiro has no such field; earlier thinking is handed back as the owner sets it (`thinkingHistory`)."),
    Row("features", "extended context and interleaved thinking (beta headers only)", reason="Kiro's windows are what they are; interleaved thinking needs no header there.", tests=(f"{HERE}::test_headers_are_an_open_list",)),
    Row("features", "beta fields of tools: strict, defer_loading, eager_input_streaming", (f"{HERE}::test_beta_fields_of_tools_are_accepted",)),
    Row("features", "fine-grained tool streaming", reason="Off for gateways by default. A call is passed on when its JSON is whole: a tool runs as soon as its block is closed."),
    Row("features", "effort", ("kiro/test_effort.py::*", f"{HERE}::test_effort_reaches_kiro")),
    Row("features", "structured output", ("kiro/test_fence.py::test_a_fence_round_the_whole_answer_goes_and_nothing_else", f"{HERE}::test_structured_output_is_bare_json")),
    Row("features", "cache_control wherever it stands", reason="Kiro has no such field; what it caches by is a head that stays the same.", tests=(f"{HERE}::test_marks_of_a_cache_change_nothing_that_is_said", "conformance/test_session_cost.py::test_the_head_is_the_same_in_every_turn")),
    Row("features", "task budgets of output_config", reason="Kiro has no such field; it is ignored.", tests=(f"{HERE}::test_bodies_are_an_open_list",)),
    Row("features", "system messages in the middle of the conversation", (f"{HERE}::test_system_messages_may_stand_anywhere",)),
    Row("features", "tools that come and go in the middle of the conversation", ("dialects/anthropic/test_tools.py::test_tools_may_come_and_go_in_the_middle_of_the_conversation",)),
    Row("errors", "forward the upstream's error wording, for the client's retries match on it", reason="Kiro's words are not Anthropic's. What the client acts on is said in Anthropic's words.", tests=(f"{WORK}::test_an_overflow_is_followed_by_a_compaction_and_then_all_is_well", f"{WORK}::test_what_is_too_large_to_be_sent_is_followed_by_a_compaction_too", f"{WORK}::test_a_long_call_that_kiro_cuts_off_is_taken_up_again", f"{WORK}::test_a_file_that_kiro_refuses_is_taken_out_and_all_is_well", f"{WORK}::test_a_wait_is_obeyed_and_then_all_is_well")),
    Row("errors", "a refused thinking signature is recovered from", reason="The gateway asks again without signatures by itself.", tests=("kiro/test_refusals.py::test_a_refused_signature_is_about_the_session", f"{CONVERSIONS}::test_what_kiro_refused_is_not_offered_again")),
    Row("errors", "errors have Anthropic's shape, and a request id", (f"{ENDPOINTS}::test_errors_have_one_shape", f"{ENDPOINTS}::test_every_answer_has_a_request_id")),
    Row("discovery", "GET /v1/models?limit=1000 answers within 3 s, without a redirect", (f"{HERE}::test_discovery_is_quick_and_direct",)),
    Row("discovery", "either credential header opens it", (f"{ENDPOINTS}::test_either_key_opens",)),
    Row("discovery", "ids begin with claude or anthropic, data[].id and display_name", (f"{ENDPOINTS}::test_every_model_is_discoverable_by_claude_code_and_can_be_asked_for", f"{WORK}::test_models_of_the_gateway_are_discovered")),
)  # fmt: skip
