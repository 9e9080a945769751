from dataclasses import replace
from urllib.parse import urlsplit

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiro_trio.kiro.endpoint import (
    PRESETS,
    Caller,
    Versions,
    chat_call,
    mcp_call,
    models_call,
    oidc_token_call,
    profiles_call,
    social_refresh_call,
    usage_call,
    valid_region,
)

MACHINE = "0123456789abcdef" * 4
ARN = "arn:aws:codewhisperer:us-east-1:123456789012:profile/EXAMPLE"
QUOTED_ARN = "arn%3Aaws%3Acodewhisperer%3Aus-east-1%3A123456789012%3Aprofile%2FEXAMPLE"
VERSIONS = Versions(kiro="1.0.1", node="22.0.0", system="darwin#24.6.0", cli="2.14.2")
CALLER = Caller(
    region="eu-central-1",
    auth_region="eu-west-1",
    token="dummy-token",
    profile_arn=ARN,
    machine_id=MACHINE,
    versions=VERSIONS,
)
KEY_CALLER = replace(CALLER, token="ksk_dummy", api_key=True)
ID = "11111111-2222-4333-8444-555555555555"

CALLS = {
    "chat": chat_call,
    "mcp": mcp_call,
    "usage": usage_call,
    "models": models_call,
    "profiles": profiles_call,
    "social_refresh": social_refresh_call,
    "oidc_token": oidc_token_call,
}

IDE_AGENT = (
    f"os/darwin#24.6.0 lang/js md/nodejs#22.0.0 api/codewhispererstreaming#{{0}} m/E KiroIDE-1.0.1-{MACHINE}"
)
IDE_CHAT_AGENTS = (
    ("x-amz-user-agent", f"aws-sdk-js/1.0.34 KiroIDE-1.0.1-{MACHINE}"),
    ("user-agent", f"aws-sdk-js/1.0.34 ua/2.1 {IDE_AGENT.format('1.0.34')}"),
)
KIRO_CHAT_AGENTS = (
    ("x-amz-user-agent", f"aws-sdk-js/1.0.39 KiroIDE-1.0.1-{MACHINE}"),
    ("user-agent", f"aws-sdk-js/1.0.39 ua/2.1 {IDE_AGENT.format('1.0.39')}"),
)
IDE_USAGE_AGENTS = (
    ("x-amz-user-agent", f"aws-sdk-js/1.0.0 KiroIDE-1.0.1-{MACHINE}"),
    (
        "user-agent",
        (
            "aws-sdk-js/1.0.0 ua/2.1 os/darwin#24.6.0 lang/js md/nodejs#22.0.0 api/codewhispererruntime#1.0.0 m/N,E"
            f" KiroIDE-1.0.1-{MACHINE}"
        ),
    ),
)
CLI_CHAT_AGENTS = (
    (
        "user-agent",
        (
            "aws-sdk-rust/1.3.15 ua/2.1 api/codewhispererstreaming/0.1.17975 os/macos lang/rust/1.92.0"
            " md/appVersion-2.14.2 m/F app/AmazonQ-For-CLI"
        ),
    ),
    (
        "x-amz-user-agent",
        (
            "aws-sdk-rust/1.3.15 ua/2.1 api/codewhispererstreaming/0.1.17975 os/macos lang/rust/1.92.0"
            " m/F app/AmazonQ-For-CLI"
        ),
    ),
)
SIGNED = (
    ("amz-sdk-invocation-id", ID),
    ("amz-sdk-request", "attempt=1; max=3"),
    ("authorization", "Bearer dummy-token"),
)
RPC_CHAT = (
    ("content-type", "application/x-amz-json-1.0"),
    ("x-amz-target", "AmazonCodeWhispererStreamingService.GenerateAssistantResponse"),
)

# What each preset must send for a chat, to the letter.
CHATS = {
    "ide": (
        "https://q.eu-central-1.amazonaws.com/generateAssistantResponse",
        (
            ("content-type", "application/json"),
            ("accept", "*/*"),
            ("x-amzn-codewhisperer-optout", "true"),
            ("x-amzn-kiro-agent-mode", "vibe"),
            *IDE_CHAT_AGENTS,
            *SIGNED,
        ),
        ("AI_EDITOR", True, True),
    ),
    "ide-kiro": (
        "https://runtime.eu-central-1.kiro.dev/",
        (
            *RPC_CHAT,
            ("accept", "application/vnd.amazon.eventstream"),
            ("x-amzn-codewhisperer-optout", "true"),
            ("x-amzn-kiro-agent-mode", "vibe"),
            ("x-amzn-kiro-profile-arn", ARN),
            *KIRO_CHAT_AGENTS,
            *SIGNED,
        ),
        ("AI_EDITOR", False, True),
    ),
    "cli": (
        "https://runtime.eu-central-1.kiro.dev/",
        (
            *RPC_CHAT,
            ("accept", "*/*"),
            ("x-amzn-codewhisperer-optout", "true"),
            ("x-amzn-kiro-profile-arn", ARN),
            *CLI_CHAT_AGENTS,
            *SIGNED,
        ),
        ("KIRO_CLI", True, True),
    ),
    "cli-q": (
        "https://q.eu-central-1.amazonaws.com/generateAssistantResponse",
        (
            ("content-type", "application/json"),
            ("accept", "*/*"),
            ("x-amz-target", "AmazonQDeveloperStreamingService.SendMessage"),
            ("x-amzn-codewhisperer-optout", "false"),
            ("x-amzn-kiro-agent-mode", "cli"),
            *CLI_CHAT_AGENTS,
            *SIGNED,
        ),
        ("KIRO_CLI", True, True),
    ),
}


@pytest.mark.parametrize("name", CHATS)
def test_chats_to_the_letter(name):
    url, headers, body_needs = CHATS[name]
    call = chat_call(PRESETS[name], CALLER, ID)
    assert (call.method, call.url) == ("POST", url)
    assert call.headers == headers
    assert (call.origin, call.agent_fields, call.arn_in_body) == body_needs


def test_every_preset_is_in_the_table():
    assert CHATS.keys() == PRESETS.keys()


def test_web_search_of_the_ide_to_the_letter():
    call = mcp_call(PRESETS["ide"], CALLER, ID)
    assert (call.method, call.url) == ("POST", "https://q.eu-central-1.amazonaws.com/mcp")
    assert call.headers == (
        ("content-type", "application/json"),
        ("accept", "*/*"),
        ("x-amzn-kiro-profile-arn", ARN),
        *IDE_CHAT_AGENTS,
        *SIGNED,
    )


def test_usage_of_the_ide_to_the_letter():
    call = usage_call(PRESETS["ide"], CALLER, ID)
    assert call.method == "GET"
    assert call.url == (
        "https://q.eu-central-1.amazonaws.com/getUsageLimits"
        f"?origin=AI_EDITOR&resourceType=AGENTIC_REQUEST&profileArn={QUOTED_ARN}"
    )
    assert call.headers == (
        *IDE_USAGE_AGENTS,
        ("amz-sdk-invocation-id", ID),
        ("amz-sdk-request", "attempt=1; max=1"),
        ("authorization", "Bearer dummy-token"),
    )
    assert call.body == b""


def test_social_renewal_to_the_letter():
    call = social_refresh_call(PRESETS["ide"], CALLER, ID)
    assert (call.method, call.url) == ("POST", "https://prod.eu-west-1.auth.desktop.kiro.dev/refreshToken")
    assert call.headers == (
        ("accept", "application/json, text/plain, */*"),
        ("content-type", "application/json"),
        ("user-agent", f"KiroIDE-1.0.1-{MACHINE}"),
        ("accept-encoding", "identity"),
    )


def test_idc_renewal_to_the_letter():
    call = oidc_token_call(PRESETS["cli"], CALLER, ID)
    assert (call.method, call.url) == ("POST", "https://oidc.eu-west-1.amazonaws.com/token")
    assert call.headers == (
        ("content-type", "application/json"),
        ("x-amz-user-agent", "aws-sdk-js/3.980.0 KiroIDE"),
        (
            "user-agent",
            "aws-sdk-js/3.980.0 ua/2.1 os/darwin#24.6.0 lang/js md/nodejs#22.0.0 api/sso-oidc#3.980.0 m/E KiroIDE",
        ),
        ("amz-sdk-invocation-id", ID),
        ("amz-sdk-request", "attempt=1; max=4"),
    )


MANAGEMENT = "https://management.eu-central-1.kiro.dev"
CONTROL = "KiroControlPlaneBearerService"
SMALL = {
    ("ide", "models"): (
        "GET",
        f"https://q.eu-central-1.amazonaws.com/ListAvailableModels?origin=AI_EDITOR&maxResults=50&profileArn={QUOTED_ARN}",
        None,
        None,
    ),
    ("ide", "profiles"): (
        "POST",
        "https://q.eu-central-1.amazonaws.com/",
        "AmazonCodeWhispererService.ListAvailableProfiles",
        {"maxResults": 10},
    ),
    ("ide-kiro", "mcp"): ("POST", "https://runtime.eu-central-1.kiro.dev/mcp", None, None),
    ("ide-kiro", "usage"): (
        "GET",
        (
            f"{MANAGEMENT}/getUsageLimits?isEmailRequired=true&origin=AI_EDITOR&profileArn={QUOTED_ARN}"
            "&resourceType=AGENTIC_REQUEST"
        ),
        None,
        None,
    ),
    ("ide-kiro", "models"): (
        "POST",
        f"{MANAGEMENT}/",
        f"{CONTROL}.ListAvailableModels",
        {"origin": "AI_EDITOR", "profileArn": ARN},
    ),
    ("ide-kiro", "profiles"): (
        "POST",
        f"{MANAGEMENT}/",
        f"{CONTROL}.ListAvailableProfiles",
        {"maxResults": 10},
    ),
    ("cli", "mcp"): ("POST", "https://runtime.eu-central-1.kiro.dev/mcp", None, None),
    ("cli", "usage"): (
        "GET",
        f"{MANAGEMENT}/getUsageLimits?origin=KIRO_CLI&resourceType=AGENTIC_REQUEST&profileArn={QUOTED_ARN}",
        None,
        None,
    ),
    ("cli", "models"): (
        "POST",
        f"{MANAGEMENT}/",
        f"{CONTROL}.ListAvailableModels",
        {"origin": "KIRO_CLI", "profileArn": ARN},
    ),
    ("cli-q", "models"): (
        "GET",
        f"https://q.eu-central-1.amazonaws.com/ListAvailableModels?origin=KIRO_CLI&maxResults=50&profileArn={QUOTED_ARN}",
        None,
        None,
    ),
}


@pytest.mark.parametrize(("preset", "name"), SMALL)
def test_where_small_calls_go_and_what_they_say(preset, name):
    method, url, target, body = SMALL[preset, name]
    call = CALLS[name](PRESETS[preset], CALLER, ID)
    headers = dict(call.headers)
    assert (call.method, call.url, headers.get("x-amz-target")) == (method, url, target)
    assert (msgspec.json.decode(call.body) if call.body else None) == body
    assert (headers.get("content-type") == "application/x-amz-json-1.0") is (target is not None)
    agent = "AmazonQ-For-CLI" if preset.startswith("cli") else f"KiroIDE-1.0.1-{MACHINE}"
    assert agent in headers["user-agent"]


def test_lists_go_on_where_they_ended():
    assert models_call(PRESETS["ide"], CALLER, ID, next_token="a b").url.endswith("&nextToken=a%20b")
    assert (
        msgspec.json.decode(profiles_call(PRESETS["cli"], CALLER, ID, next_token="t").body)["nextToken"]
        == "t"
    )


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
class TestEveryCall:
    def test_an_api_key_goes_with_its_type_and_never_with_an_arn(self, preset, call):
        made = call(preset, KEY_CALLER, ID)
        headers = dict(made.headers)
        assert ("authorization" in headers) is (headers.get("tokentype") == "API_KEY")
        assert "123456789012" not in f"{made.url}{made.body}{made.headers}"
        assert not made.arn_in_body

    def test_an_access_token_goes_without_a_type(self, preset, call):
        assert "tokentype" not in dict(call(preset, CALLER, ID).headers)

    def test_what_is_unknown_is_left_out(self, preset, call):
        made = call(preset, Caller("us-east-1", "us-east-1", "dummy-token"), ID)
        assert all(value for _, value in made.headers)
        assert "rofileArn" not in made.url
        assert b"rofileArn" not in made.body

    def test_another_server_takes_the_hosts_place_and_nothing_else(self, preset, call):
        there, here = call(preset, CALLER, ID), call(preset, CALLER, ID, "http://127.0.0.1:9000/")
        there_url, here_url = urlsplit(there.url), urlsplit(here.url)
        assert (here_url.scheme, here_url.netloc) == ("http", "127.0.0.1:9000")
        assert (here_url.path, here_url.query) == (there_url.path, there_url.query)
        assert here.headers == there.headers

    def test_secrets_are_not_shown(self, preset, call):
        made = call(preset, CALLER, ID)
        shown = f"{CALLER!r}{made!r}{made.display}"
        assert not any(secret in shown for secret in ("dummy-token", "123456789012", MACHINE))
        assert made.display.startswith(f"{made.method} ")

    @pytest.mark.parametrize("evil", ["a\r\nx: y", "a\n", "\x00", "ä"])
    def test_values_that_would_break_out_of_their_header_are_refused_unseen(self, preset, call, evil):
        callers = [
            Caller("us-east-1", "us-east-1", "secret" + evil, machine_id=MACHINE),
            Caller(
                "us-east-1", "us-east-1", "t", versions=Versions(kiro=evil, node=evil, system=evil, cli=evil)
            ),
        ]
        for caller in callers:
            try:
                made = call(preset, caller, ID)
            except ValueError as error:
                assert "secret" not in str(error)  # noqa: PT017 (some calls have no such header)
            else:
                assert all(value.isascii() and value.isprintable() for _, value in made.headers)


class TestRegions:
    @pytest.mark.parametrize(
        "region", ["us-east-1", "eu-central-1", "ap-southeast-2", "us-gov-west-1", "il-central-1"]
    )
    def test_real_ones_pass(self, region):
        assert valid_region(region) == region

    @pytest.mark.parametrize(
        "region",
        [
            "",
            "us-east",
            "US-EAST-1",
            "us-east-1.evil.example/",
            "us-east-1\n",
            "us_east_1",
            "us-east-11",
            "a@us-east-1",
            "us-éast-1",
        ],
    )
    def test_others_never_get_into_a_host_name(self, region):
        for regions in ((region, "us-east-1"), ("us-east-1", region)):
            with pytest.raises(ValueError, match="region"):
                Caller(*regions, token="t")

    @settings(max_examples=60)
    @given(st.text(max_size=20))
    def test_nothing_strange_gets_through(self, text):
        try:
            valid_region(text)
        except ValueError:
            return
        assert text.isascii()
        assert set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


class TestVersions:
    def test_an_account_does_not_change_its_computer(self):
        def systems(machine):
            caller = Caller("us-east-1", "us-east-1", "t", machine_id=machine)
            return (
                dict(chat_call(PRESETS["ide"], caller, ID).headers)["user-agent"]
                .split(" os/")[1]
                .split(" ")[0]
            )

        seen = {systems(f"{number:064x}") for number in range(16)}
        assert seen == {"darwin#24.6.0", "win32#10.0.22631"}
        assert systems(MACHINE) == systems(MACHINE)

    @pytest.mark.parametrize(
        ("system", "word"),
        [("darwin#24.6.0", "macos"), ("win32#10.0.22631", "windows"), ("linux#6.1", "linux")],
    )
    def test_the_command_line_has_its_own_word_for_the_system(self, system, word):
        caller = Caller("us-east-1", "us-east-1", "t", versions=Versions(system=system))
        assert f" os/{word} " in dict(chat_call(PRESETS["cli"], caller, ID).headers)["user-agent"]
