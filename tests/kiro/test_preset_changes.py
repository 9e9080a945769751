import pytest

from kiro_trio.kiro.endpoint import PRESETS, Caller, chat_call, profiles_call, usage_call
from kiro_trio.kiro.preset_changes import changed_presets

CALLER = Caller("us-east-1", "us-east-1", "dummy-token")
ID = "11111111-2222-4333-8444-555555555555"


def test_without_changes_they_are_the_presets():
    assert changed_presets({}) == PRESETS


def test_everything_can_be_changed():
    changes = {
        "origin": "IDE",
        "agentFields": False,
        "arnInBody": False,
        "chat": {
            "url": "https://codewhisperer.{region}.amazonaws.com/chat",
            "headers": {"Accept": "x/y", "x-amzn-codewhisperer-optout": None, "x-new": "{invocation_id}"},
        },
        "usage": {"query": {"isEmailRequired": "true", "origin": None}},
        "profiles": {"method": "PUT", "body": {"maxResults": 5, "origin": "{origin}"}},
    }
    presets = changed_presets({"ide": changes})
    ide = presets["ide"]
    call = chat_call(ide, CALLER, ID)
    before = dict(chat_call(PRESETS["ide"], CALLER, ID).headers)
    del before["x-amzn-codewhisperer-optout"]
    assert call.url == "https://codewhisperer.us-east-1.amazonaws.com/chat"
    assert dict(call.headers) == before | {"accept": "x/y", "x-new": ID}
    assert [name for name, _ in call.headers][:2] == ["content-type", "accept"]
    assert (call.origin, call.agent_fields, call.arn_in_body) == ("IDE", False, False)
    assert usage_call(ide, CALLER, ID).url.endswith("?resourceType=AGENTIC_REQUEST&isEmailRequired=true")
    profiles = profiles_call(ide, CALLER, ID)
    assert (profiles.method, profiles.body) == ("PUT", b'{"maxResults":5,"origin":"IDE"}')
    assert presets["cli"] == PRESETS["cli"]


def test_a_new_preset_is_made_of_another():
    presets = changed_presets({"mine": {"like": "cli", "chat": {"headers": {"tokentype": "EXTERNAL_IDP"}}}})
    assert presets["mine"].name == "mine"
    assert presets["mine"].mcp == PRESETS["cli"].mcp
    assert dict(chat_call(presets["mine"], CALLER, ID).headers)["tokentype"] == "EXTERNAL_IDP"


def test_a_body_may_be_taken_out():
    assert (
        profiles_call(changed_presets({"ide": {"profiles": {"body": None}}})["ide"], CALLER, ID).body == b""
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mine": {}}, "endpoints.mine: there is no such preset"),
        ({"mine": {"like": "nope"}}, "endpoints.mine: there is no such preset"),
        ({"ide": {"orign": "x"}}, "endpoints.ide: .*orign"),
        ({"ide": {"chat": {"headers": {"a": 1}}}}, r"endpoints.ide: .*\$\.chat"),
        ({"ide": {"chat": {"url": "https://{host}/"}}}, "endpoints.ide: unknown placeholder {host}"),
        ({"ide": {"chat": {"headers": {"a": "{secret}"}}}}, "endpoints.ide: unknown placeholder {secret}"),
        ({"ide": {"usage": {"query": {"a": "{x}"}}}}, "endpoints.ide: unknown placeholder"),
        ({"ide": {"profiles": {"body": {"a": "{x}"}}}}, "endpoints.ide: unknown placeholder"),
        ({"ide": {"origin": "kiro-cli"}}, "endpoints.ide: an origin is a word of capital letters"),
        ({"mine": {"like": "cli", "origin": ""}}, "endpoints.mine: an origin is a word of capital letters"),
        ({"ide": "cli"}, "endpoints.ide: "),
    ],
)
def test_mistakes_are_named(changes, said):
    with pytest.raises(ValueError, match=said):
        changed_presets(changes)
