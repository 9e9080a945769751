"""Every endpoint over loopback, with an ordinary client."""

import base64
import hashlib
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import trio

from kiro_trio.simulator import Account, ArnRule, Match, Reply, Rule, Script, Simulator
from kiro_trio.simulator.accounts import BUILDER_ARN, SOCIAL_ARN
from kiro_trio.simulator.refusals import REFUSALS, Status
from kiro_trio.simulator.script import Cut
from kiro_trio.simulator.signin import DEVICE_GRANT
from kiro_trio.wire import ServerSentEventDecoder
from tests.simulator.talk import asks, events, served, text_of, user

TRUST_NOBODY = ssl.SSLContext(
    ssl.PROTOCOL_TLS_CLIENT
)  # plain HTTP only: no need to load the world's authorities
CHAT = "/generateAssistantResponse"
HELLO = asks(user("hello"))


@asynccontextmanager
async def talking(simulator: Simulator, token: str = "t") -> AsyncIterator[httpx.AsyncClient]:
    async with served(simulator) as (base, _):
        headers = {"authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(
            base_url=base, headers=headers, verify=TRUST_NOBODY, trust_env=False
        ) as client:
            yield client


def rpc(operation: str) -> dict[str, str]:
    return {
        "x-amz-target": f"AmazonCodeWhispererService.{operation}",
        "content-type": "application/x-amz-json-1.0",
    }


def social() -> Account:
    return Account("social@example.com", tokens={"aoa1": float("inf")})


def organisation() -> Account:
    return Account("idc@example.com", "idc", tokens={"aoa2": float("inf")})


def builder() -> Account:
    return Account("builder@example.com", "builder-id", tokens={"aoa3": float("inf")})


def key() -> Account:
    return Account("key@example.com", "api-key", api_key="ksk_1")


async def test_chat_by_both_bindings() -> None:
    async with talking(Simulator()) as client:
        rest = await client.post(CHAT, json=HELLO)
        by_target = await client.post(
            "/", content=json.dumps(HELLO), headers=rpc("GenerateAssistantResponse")
        )
    assert text_of(rest.content) == text_of(by_target.content)
    assert (
        rest.headers["x-amzn-codewhisperer-conversation-id"] == HELLO["conversationState"]["conversationId"]
    )
    assert rest.headers["x-amzn-requestid"] != by_target.headers["x-amzn-requestid"]


async def test_errors_look_like_their_binding() -> None:
    simulator = Simulator()
    async with talking(simulator) as client:
        rest = await client.post(CHAT, json={})
        by_target = await client.post("/", content="{}", headers=rpc("GenerateAssistantResponse"))
    assert rest.status_code == by_target.status_code == 400
    assert rest.json() == {"message": "Improperly formed request.", "reason": "REQUEST_BODY_INVALID"}
    assert rest.headers["x-amzn-errortype"].startswith("ValidationException")
    assert by_target.json() == {"__type": "com.amazon.aws.codewhisperer#ValidationException", **rest.json()}
    assert [exchange.refused for exchange in simulator.seen] == [
        "shape: Object missing required field `conversationState`"
    ] * 2


async def test_what_is_not_there() -> None:
    async with talking(Simulator()) as client:
        for response in (
            await client.get("/"),
            await client.post("/nowhere"),
            await client.post(
                "/", headers={"x-amz-target": "AmazonCodeWhispererService.GetUsageLimits"}
            ),  # plain JSON
            await client.post("/", headers=rpc("MakeCoffee")),
        ):
            assert response.status_code == 404
            assert response.json()["message"]


async def test_usage_limits() -> None:
    account = social()
    account.used, account.limit, account.plan = 40.5, 50, "KIRO FREE"
    now = datetime(2026, 12, 21, tzinfo=UTC).timestamp()
    async with talking(Simulator([account], wall=lambda: now), "aoa1") as client:
        found = (await client.get("/getUsageLimits?isEmailRequired=true&resourceType=AGENTIC_REQUEST")).json()
        by_target = await client.post("/", content="{}", headers=rpc("GetUsageLimits"))
    (breakdown,) = found["usageBreakdownList"]
    assert (breakdown["currentUsageWithPrecision"], breakdown["usageLimitWithPrecision"]) == (40.5, 50)
    assert found["subscriptionInfo"] == found["subscriptionInfo"] | {
        "subscriptionTitle": "KIRO FREE",
        "type": "Q_DEVELOPER_STANDALONE_FREE",
    }
    assert (found["nextDateReset"], found["daysUntilReset"]) == (
        datetime(2027, 1, 1, tzinfo=UTC).timestamp(),
        11,
    )
    assert found["userInfo"]["email"] == "social@example.com"
    assert "email" not in by_target.json()["userInfo"]


async def test_models() -> None:
    async with talking(Simulator()) as client:
        rest = (await client.get("/ListAvailableModels?origin=AI_EDITOR")).json()
        by_target = (
            await client.post("/", content='{"origin":"AI_EDITOR"}', headers=rpc("ListAvailableModels"))
        ).json()
    assert rest == by_target
    windows = {model["modelId"]: model["tokenLimits"]["maxInputTokens"] for model in rest["models"]}
    assert (windows["claude-sonnet-4.5"], windows["claude-opus-4.6"]) == (200_000, 1_000_000)


async def test_profiles() -> None:
    simulator = Simulator([organisation(), builder(), key()], arn_rule=ArnRule.OWN)
    async with talking(simulator, "aoa2") as client:
        found = (await client.post("/", content="{}", headers=rpc("ListAvailableProfiles"))).json()
        assert [profile["arn"] for profile in found["profiles"]] == [simulator.accounts[0].profile_arn]
        refused = await client.post(
            "/ListAvailableProfiles", json={}, headers={"authorization": "Bearer aoa3"}
        )
    assert (refused.status_code, refused.json()["message"]) == (403, REFUSALS["builder-id"].message)


async def test_web_search() -> None:
    search = {
        "id": "web_search_tooluse_1",
        "jsonrpc": "2.0",
        "method": "tools/call",
        "params": {"name": "web_search", "arguments": {"query": "trio cancellation"}},
    }
    simulator = Simulator()
    async with talking(simulator) as client:
        found = (await client.post("/mcp", json=search)).json()
        simulator.mcp_as_events = True
        streamed = await client.post("/mcp", json=search)
        simulator.mcp_as_events = False
        tools = (await client.post("/mcp", json={"id": 1, "jsonrpc": "2.0", "method": "tools/list"})).json()
        search["params"] = {"name": "web_search", "arguments": {"query": "x" * 201}}
        too_long = (await client.post("/mcp", json=search)).json()
        unknown = (await client.post("/mcp", json={"id": 2, "method": "resources/list"})).json()
    results = json.loads(found["result"]["content"][0]["text"])
    assert found["id"] == search["id"]
    assert all("trio cancellation" in page["title"] for page in results["results"])
    assert results["totalResults"] == len(results["results"]) == 3
    decoder = ServerSentEventDecoder()
    decoder.receive_data(streamed.content)
    (event,) = decoder.events()
    assert json.loads(event.data) == found
    assert [tool["name"] for tool in tools["result"]["tools"]] == ["web_search"]
    assert (too_long["error"]["code"], unknown["error"]["code"]) == (-32602, -32601)


async def test_preferences_are_taken() -> None:
    async with talking(Simulator()) as client:
        preference = {"overageConfiguration": {"overageStatus": "ENABLED"}}
        assert (await client.post("/setUserPreference", json=preference)).json() == {}


async def test_tokens_that_are_wrong_missing_or_expired() -> None:
    account = Account(
        "a@example.com", tokens={"old": trio.current_time() - 1, "new": trio.current_time() + 3600}
    )
    async with talking(Simulator([account]), "new") as client:
        answers = [
            await client.post(CHAT, json=HELLO, headers={"authorization": value})
            for value in ("Bearer new", "Bearer old", "Bearer else", "Basic new")
        ]
    assert [answer.status_code for answer in answers] == [200, 403, 403, 401]
    assert answers[1].json()["message"] == "The bearer token included in the request is invalid."


async def test_api_keys_say_that_they_are_keys_and_tokens_do_not() -> None:
    async with talking(Simulator([key(), social()]), "ksk_1") as client:
        statuses = [
            (await client.post(CHAT, json=HELLO, headers=headers)).status_code
            for headers in (
                {"tokentype": "API_KEY"},
                {},
                {"tokentype": "API_KEY", "authorization": "Bearer aoa1"},
                {"authorization": "Bearer aoa1"},
            )
        ]
    assert statuses == [200, 403, 403, 200]


@pytest.mark.parametrize(
    ("rule", "arn", "expected"),
    [
        (ArnRule.ANY, None, (200, 200, 200)),
        (ArnRule.ANY, "arn:other", (200, 200, 200)),
        (ArnRule.REQUIRED, None, (400, 400, 400)),
        (ArnRule.REQUIRED, "arn:other", (200, 200, 200)),
        (ArnRule.OWN, None, (403, 403, 403)),
        (ArnRule.OWN, SOCIAL_ARN, (200, 403, 403)),
        (ArnRule.OWN, BUILDER_ARN, (403, 403, 200)),
        (ArnRule.BUILDER_WITHOUT, None, (403, 403, 200)),
        (ArnRule.BUILDER_WITHOUT, BUILDER_ARN, (403, 403, 403)),
    ],
)
async def test_arn_rules(rule: ArnRule, arn: str | None, expected: tuple[int, ...]) -> None:
    body = HELLO | ({"profileArn": arn} if arn else {})
    simulator = Simulator([social(), organisation(), builder()], arn_rule=rule)
    async with talking(simulator) as client:
        answers = [
            await client.post(CHAT, json=body, headers={"authorization": f"Bearer {token}"})
            for token in ("aoa1", "aoa2", "aoa3")
        ]
    assert tuple(answer.status_code for answer in answers) == expected
    messages = {answer.json()["message"] for answer in answers if answer.status_code != 200}
    assert messages <= {
        "profileArn is required for this request.",
        "User is not authorized to make this call.",
    }


async def test_an_arn_may_come_in_header_or_query_but_not_two_of_them() -> None:
    account = organisation()
    arn = account.profile_arn or ""
    async with talking(Simulator([account, key()], arn_rule=ArnRule.OWN), "aoa2") as client:
        assert (await client.get("/getUsageLimits")).status_code == 403
        assert (await client.get("/getUsageLimits", params={"profileArn": arn})).status_code == 200
        header = {"x-amzn-kiro-profile-arn": arn}
        assert (await client.post(CHAT, json=HELLO, headers=header)).status_code == 200
        both = await client.post(CHAT, json=HELLO | {"profileArn": "arn:other"}, headers=header)
        assert both.json()["message"] == "Invalid profileArn."
        as_key = {"authorization": "Bearer ksk_1", "tokentype": "API_KEY"}
        assert (await client.post(CHAT, json=HELLO, headers=as_key)).status_code == 200
        assert (await client.post(CHAT, json=HELLO, headers=as_key | header)).status_code == 400


async def test_suspended_spent_and_free_accounts() -> None:
    account = social()
    async with talking(Simulator([account]), "aoa1") as client:
        account.suspended = True
        suspended = await client.post(CHAT, json=HELLO)
        account.suspended, account.used = False, account.limit
        spent = await client.post(CHAT, json=HELLO)
        account.used, account.plan = 0, "KIRO FREE"
        opus = await client.post(CHAT, json=asks(user("hi", modelId="claude-opus-4.6")))
        assert (await client.post(CHAT, json=HELLO)).status_code == 200
    assert (suspended.status_code, suspended.json()["reason"]) == (403, "TEMPORARILY_SUSPENDED")
    assert (spent.status_code, spent.json()["reason"]) == (402, "MONTHLY_REQUEST_COUNT")
    assert (opus.status_code, opus.json()["reason"]) == (400, "INVALID_MODEL_ID")
    assert 0 < account.used < 1


async def test_a_request_larger_than_the_window_is_refused_and_others_are_measured() -> None:
    simulator = Simulator(window=1000)
    async with talking(simulator) as client:
        small = await client.post(CHAT, json=asks(user("x" * 2000)))
        large = await client.post(CHAT, json=asks(user("x" * 4000)))
    assert large.json() == {"message": "Input is too long.", "reason": "CONTENT_LENGTH_EXCEEDS_THRESHOLD"}
    assert simulator.seen[-1].refused == "1004 tokens > 1000"
    percentage = dict(events(small.content))["contextUsageEvent"]["contextUsagePercentage"]
    assert 50 < percentage < 60


async def test_any_body_passes_when_nothing_is_validated() -> None:
    async with talking(Simulator(validate=False)) as client:
        assert text_of((await client.post(CHAT, content=b"{}")).content) == "Simulated."
        odd = asks(user("hello", modelId="nonesuch"), user("no answer"))
        assert "hello" in text_of((await client.post(CHAT, json=odd)).content)


@pytest.mark.parametrize("name", sorted(REFUSALS))
async def test_every_refusal_can_be_scripted(name: str) -> None:
    async with talking(Simulator(script=Script((Rule(reply=Reply(status=name)),)))) as client:
        response = await client.post(CHAT, json=HELLO)
    refusal = REFUSALS[name]
    assert response.status_code == refusal.code
    if refusal.error:
        assert response.json() == {"message": refusal.message, "reason": refusal.reason}


async def test_rules_match_in_order_and_by_everything_that_is_given() -> None:
    def says(code: int, **when: Any) -> Rule:
        return Rule(Match(**when), Reply(status=Status(code)))

    script = Script((
        says(501, prompt="CATS", nth=(2,)),
        says(502, pattern=r"\bdogs?\b", model="claude-haiku-4.5"),
        says(503, account="idc@example.com"),
        says(504, token="aoa3"),
        says(505, call="usage"),
        says(506, call="refresh", token="stale"),
        says(507, body='"content":"some CaSe"'),
    ))  # fmt: skip
    simulator = Simulator([social(), organisation(), builder()], script=script)
    async with talking(simulator, "aoa1") as client:
        said = [asks(user("two cats"))] * 3 + [
            asks(user("a dog", modelId=name)) for name in ("claude-haiku-4.5", "auto")
        ]
        answers = [await client.post(CHAT, json=body) for body in said]
        answers += [
            await client.post(CHAT, json=HELLO, headers={"authorization": "Bearer aoa2"}),
            await client.post(CHAT, json=HELLO, headers={"authorization": "Bearer aoa3"}),
            await client.get("/getUsageLimits"),
            await client.get("/ListAvailableModels"),
            await client.post("/refreshToken", json={"refreshToken": "stale"}),
            *[await client.post(CHAT, json=asks(user(f"some {word}"))) for word in ("CaSe", "case")],
        ]
    statuses = [200, 501, 200, 502, 200, 503, 504, 505, 200, 506, 507, 200]
    assert [answer.status_code for answer in answers] == statuses
    assert [exchange.rule for exchange in simulator.seen] == [
        None,
        0,
        None,
        1,
        None,
        2,
        3,
        4,
        None,
        5,
        6,
        None,
    ]


async def test_social_renewal() -> None:
    simulator = Simulator([social()])
    account = simulator.accounts[0]
    async with talking(simulator) as client:
        renewed = (await client.post("/refreshToken", json={"refreshToken": account.refresh_token})).json()
        assert (
            await client.post(CHAT, json=HELLO, headers={"authorization": f"Bearer {renewed['accessToken']}"})
        ).is_success
        again = await client.post("/refreshToken", json={"refreshToken": renewed["refreshToken"]})
        wrong = await client.post("/refreshToken", json={"refreshToken": "aorELSE"})
    assert renewed | {"profileArn": SOCIAL_ARN, "expiresIn": 3600} == renewed
    assert len(renewed["refreshToken"]) >= 100
    assert again.is_success
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    assert simulator.renewals["social@example.com"] == 2
    assert simulator.seen[0].account == "social@example.com"


@pytest.mark.parametrize("rotate", [False, True])
async def test_through_the_open_door_several_stay_several(rotate: bool) -> None:
    grant = {"grantType": "refresh_token", "clientId": "c", "clientSecret": "s"}
    async with talking(Simulator(rotate_refresh_tokens=rotate)) as http:
        tokens = {"aor1", "aor2"}
        for _ in range(2):
            social = [(await http.post("/refreshToken", json={"refreshToken": one})).json() for one in tokens]
            idc = [(await http.post("/token", json={**grant, "refreshToken": one})).json() for one in tokens]
            given = {answer["refreshToken"] for answer in social}
            assert len(given) == 2
            assert given == {answer["refreshToken"] for answer in idc}
            assert (given == tokens) is not rotate
            tokens = given


async def test_a_rotated_refresh_token_dies_at_once_and_a_revoked_account_renews_no_more() -> None:
    simulator = Simulator([social()], rotate_refresh_tokens=True)
    account = simulator.accounts[0]
    first = account.refresh_token
    async with talking(simulator) as client:
        renewed = (await client.post("/refreshToken", json={"refreshToken": first})).json()
        assert renewed["refreshToken"] == account.refresh_token != first
        assert (await client.post("/refreshToken", json={"refreshToken": first})).status_code == 400
        account.revoked = True
        assert (
            await client.post("/refreshToken", json={"refreshToken": account.refresh_token})
        ).status_code == 400


async def test_a_renewal_may_be_lost_on_the_way_back() -> None:
    fate = Reply(misfortunes=(Cut(),))
    simulator = Simulator(
        [social()], rotate_refresh_tokens=True, script=Script((Rule(Match(call="refresh"), fate),))
    )
    first = simulator.accounts[0].refresh_token
    async with talking(simulator) as client:
        with pytest.raises(httpx.TransportError):
            await client.post("/refreshToken", json={"refreshToken": first})
    assert simulator.accounts[0].refresh_token != first


async def test_oidc_renewal_wants_the_registration() -> None:
    simulator = Simulator([organisation(), social()], token_lifetime=600)
    account = simulator.accounts[0]
    body = {
        "clientId": account.client_id,
        "clientSecret": account.client_secret,
        "refreshToken": account.refresh_token,
        "grantType": "refresh_token",
    }
    async with talking(simulator) as client:
        renewed = (await client.post("/token", json=body)).json()
        refused = [
            (await client.post("/token", json=body | change)).json()["error"]
            for change in (
                {"clientSecret": "x"},
                {"refreshToken": "x"},
                {"refreshToken": simulator.accounts[1].refresh_token},
                {"grantType": "password"},
            )
        ]
    assert (renewed["expiresIn"], renewed["tokenType"]) == (600, "Bearer")
    assert refused == ["invalid_client", "invalid_grant", "invalid_grant", "unsupported_grant_type"]


async def test_device_sign_in() -> None:
    simulator = Simulator([organisation()])
    simulator.sign_in.pending_polls = 2
    simulator.sign_in.interval = 0
    async with talking(simulator) as client:
        client_data = (
            await client.post("/client/register", json={"clientName": "k", "clientType": "public"})
        ).json()
        assert client_data["clientSecretExpiresAt"] > client_data["clientIdIssuedAt"] > 1_700_000_000
        known = {name: client_data[name] for name in ("clientId", "clientSecret")}
        device = (await client.post("/device_authorization", json=known | {"startUrl": "https://x"})).json()
        assert device["userCode"] in device["verificationUriComplete"]
        poll = known | {"deviceCode": device["deviceCode"], "grantType": DEVICE_GRANT}
        waits = [(await client.post("/token", json=poll)).json()["error"] for _ in range(2)]
        granted = (await client.post("/token", json=poll)).json()
        renewed = await client.post(
            "/token", json=known | {"refreshToken": granted["refreshToken"], "grantType": "refresh_token"}
        )
        unknown = await client.post("/device_authorization", json={"clientId": "x", "clientSecret": "y"})
    assert waits == ["authorization_pending"] * 2
    assert granted["accessToken"] in simulator.accounts[0].tokens
    assert renewed.is_success
    assert (unknown.status_code, unknown.json()["error"]) == (401, "invalid_client")


async def test_device_sign_in_approved_denied_or_polled_too_often() -> None:
    simulator = Simulator()
    simulator.sign_in.pending_polls = 99
    async with talking(simulator) as client:
        client_data = (
            await client.post("/client/register", json={"clientName": "k", "clientType": "public"})
        ).json()
        known = {name: client_data[name] for name in ("clientId", "clientSecret")}
        device = (await client.post("/device_authorization", json=known)).json()
        poll = known | {"deviceCode": device["deviceCode"], "grantType": DEVICE_GRANT}
        first = (await client.post("/token", json=poll)).json()["error"]
        second = (await client.post("/token", json=poll)).json()["error"]
        simulator.sign_in.interval = 0
        assert (await client.get(device["verificationUriComplete"])).is_success
        simulator.sign_in.denied = True
        third = (await client.post("/token", json=poll)).json()["error"]
        simulator.sign_in.denied = False
        granted = await client.post("/token", json=poll)
    assert [first, second, third] == ["authorization_pending", "slow_down", "access_denied"]
    assert granted.is_success


async def test_social_sign_in_by_code() -> None:
    simulator = Simulator([social()])
    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    back = "http://127.0.0.1:19876/oauth/callback"
    wish = {
        "idp": "Google",
        "redirect_uri": back,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "state": "s1",
    }
    async with talking(simulator) as client:
        assert (
            await client.get("/login", params=wish | {"code_challenge_method": "plain"})
        ).status_code == 400
        codes = []
        for _ in range(3):
            sent = await client.get("/login", params=wish)
            assert sent.status_code == 302
            target = urlsplit(sent.headers["location"])
            assert parse_qs(target.query)["state"] == ["s1"]
            codes.append(parse_qs(target.query)["code"][0])
        body = {"code": codes[0], "code_verifier": verifier, "redirect_uri": back}
        tokens = await client.post("/oauth/token", json=body)
        used = await client.post("/oauth/token", json=body)
        wrong = await client.post("/oauth/token", json=body | {"code": codes[1], "code_verifier": "w" * 43})
        elsewhere = await client.post(
            "/oauth/token", json=body | {"code": codes[2], "redirect_uri": "http://x/"}
        )
    assert tokens.json()["accessToken"] in simulator.accounts[0].tokens
    assert tokens.json()["profileArn"] == SOCIAL_ARN
    assert [used.status_code, wrong.status_code, elsewhere.status_code] == [401, 401, 401]
    assert verifier not in repr(simulator.seen)


async def test_oidc_sign_in_by_code() -> None:
    simulator = Simulator([builder()])
    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    back = "http://127.0.0.1:1/oauth/callback"
    async with talking(simulator) as client:
        client_data = (
            await client.post("/client/register", json={"clientName": "k", "clientType": "public"})
        ).json()
        known = {name: client_data[name] for name in ("clientId", "clientSecret")}
        wish = {"client_id": known["clientId"], "redirect_uri": back, "state": "s", "response_type": "code"}
        wish |= {"code_challenge": challenge, "code_challenge_method": "S256"}
        assert (await client.get("/authorize", params=wish | {"client_id": "x"})).status_code == 401
        code = parse_qs(urlsplit((await client.get("/authorize", params=wish)).headers["location"]).query)[
            "code"
        ][0]
        body = known | {
            "code": code,
            "codeVerifier": verifier,
            "redirectUri": back,
            "grantType": "authorization_code",
        }
        tokens = await client.post("/token", json=body)
        again = await client.post("/token", json=body)
    assert tokens.json()["accessToken"] in simulator.accounts[0].tokens
    assert again.status_code == 400


def test_accounts_write_themselves_as_credentials() -> None:
    assert social().credential().keys() == {"refreshToken", "email", "authMethod", "profileArn"}
    assert organisation().credential().keys() == social().credential().keys() | {"clientId", "clientSecret"}
    assert "profileArn" not in builder().credential()
    assert key().credential() == {"kiroApiKey": "ksk_1", "authMethod": "api_key", "email": "key@example.com"}
    assert all(secret not in repr(key()) for secret in ("ksk_1",))
    assert organisation().client_secret not in repr(organisation())
