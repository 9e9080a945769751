import json

import pytest

from kiro_trio.credentials.calls import SmallResponse, Wire
from kiro_trio.credentials.credential import AccountKind, Defaults
from kiro_trio.credentials.document import InvalidFile
from kiro_trio.credentials.entry import InvalidEntry, read_entry
from kiro_trio.credentials.file import NotWritten
from kiro_trio.credentials.login.enrolment import changes_in_place, enrol, entries_of
from kiro_trio.credentials.login.person import find_person, same_person
from kiro_trio.credentials.login.verification import verify
from kiro_trio.credentials.store import FileStore
from kiro_trio.simulator import ArnRule
from tests.credentials.entries import ENDPOINTS, idc, refresh_token, social
from tests.credentials.signing import Kiro, account

MAIL = {"email": "a@example.invalid"}
BUILDER = {"provider": "BuilderId", **MAIL}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (social("a", **MAIL), social("b", **MAIL), True),
        (social("a", email="A@Example.invalid"), social("b", **MAIL), True),
        (social("a"), social("b"), False),
        (social("a", **MAIL), social("b", email="b@example.invalid"), False),
        (social("a", **MAIL, provider="Google"), social("b", **MAIL, provider="Github"), False),
        (social("a", **MAIL, provider="Google"), social("b", **MAIL), True),
        (social("a", **MAIL), idc("b", **MAIL), False),
        (idc("a", **BUILDER), idc("b", **BUILDER), True),
        (idc("a", **BUILDER), idc("b", **MAIL), False),
        (idc("a", **BUILDER), idc("b", **MAIL, provider="Enterprise"), False),
        (idc("a", **MAIL, authMethod="builder-id"), idc("b", **BUILDER), True),
        (
            idc("a", **MAIL, provider="Enterprise", startUrl="https://a.example/start"),
            idc("b", **MAIL, provider="Enterprise", startUrl="https://b.example/start"),
            False,
        ),
        (
            idc("a", **MAIL, provider="Enterprise", startUrl="https://a.example/start/"),
            idc("b", **MAIL, provider="Enterprise", startUrl="https://a.example/start"),
            True,
        ),
        (social("a", userId="u1", **MAIL), social("b", userId="u2", **MAIL), False),
        (social("a", userId="u1", email="old@example.invalid"), social("b", userId="u1", **MAIL), True),
        ({"kiroApiKey": "ksk_a", **MAIL}, {"kiroApiKey": "ksk_b", **MAIL}, False),
        ({"email": 7}, {"email": 7}, False),
    ],
)
def test_who_is_who(one, other, same):
    assert same_person(one, other) is same
    assert same_person(other, one) is same


def test_a_token_that_is_known_says_more_than_any_name():
    entries = {1: social("a", **MAIL), 4: social("b", email="b@example.invalid")}
    assert find_person(entries, social("b", **MAIL)) == 4
    assert find_person(entries, social("c", **MAIL)) == 1
    assert find_person(entries, social("c")) is None


async def opened(path, *entries):
    if entries:
        path.write_text(json.dumps(list(entries)))
    store = FileStore(path, Defaults())
    await store.open()
    return store


async def test_a_newcomer_is_added(tmp_path):
    store = await opened(tmp_path / "credentials.json")
    enrolled = await enrol(store, {}, social("a", **MAIL), Defaults())
    assert (enrolled.credential_id, enrolled.replaced) == (1, False)
    assert store.credentials[1].refresh_token == refresh_token("a")


async def test_the_same_person_is_replaced_where_it_stands(tmp_path):
    path = tmp_path / "credentials.json"
    old = idc(
        "old",
        **BUILDER,
        priority=3,
        proxyUrl="socks5://proxy.invalid:1080",
        machineId="a" * 64,
        disabled=True,
        arnMode="without",
        authRegion="eu-west-1",
        accessToken="aoaOld",
        note="mine",
    )
    store = await opened(path, social("x"), old, social("y"))
    new = idc("new", **BUILDER, region="us-east-1", machineId="b" * 64, accessToken="aoaNew")
    enrolled = await enrol(store, await entries_of(path), new, Defaults())
    assert (enrolled.credential_id, enrolled.replaced) == (2, True)
    written = json.loads(path.read_text())
    assert [entry["id"] for entry in written] == [1, 2, 3]
    assert written[1] == {
        "id": 2,
        **new,
        "machineId": "a" * 64,
        "priority": 3,
        "proxyUrl": "socks5://proxy.invalid:1080",
        "note": "mine",
    }
    assert store.sign_ins() == {2}


async def test_a_token_that_is_there_already_is_no_second_account(tmp_path):
    path = tmp_path / "credentials.json"
    store = await opened(path, social("a"))
    enrolled = await enrol(store, {}, social("a", priority=1), Defaults())  # as if it came while we looked
    assert (enrolled.credential_id, enrolled.replaced) == (1, True)
    assert len(json.loads(path.read_text())) == 1


async def test_what_cannot_be_used_is_not_stored(tmp_path):
    store = await opened(tmp_path / "credentials.json")
    with pytest.raises(InvalidEntry, match="shortened"):
        await enrol(store, {}, {"refreshToken": "aor..."}, Defaults())
    assert not store.credentials


async def test_a_file_that_takes_nothing_says_so(tmp_path):
    path = tmp_path / "credentials.json"
    store = await opened(path, social("a"))
    path.write_text("{")
    with pytest.raises(NotWritten):
        await enrol(store, {}, social("b"), Defaults())
    with pytest.raises(InvalidFile, match=r"credentials\.json: is not JSON"):
        await entries_of(path)
    assert await entries_of(tmp_path / "none.json") == {}


def test_what_the_owner_has_set_stays():
    old = {"id": 1, "priority": 2, "apiRegion": "eu-central-1", "disabled": True, "machineId": ""}
    assert changes_in_place(old, {"priority": 5, "machineId": "m"}) == {
        "disabled": None,
        "priority": 5,
        "machineId": "m",
    }


def signed_in(one, **keys):
    token = one.renew(0.0, 1e12, rotate=False)["accessToken"]
    return read_entry({**one.credential(), "accessToken": token, **keys}, 1, ENDPOINTS)


async def test_a_social_account_is_verified():
    one = account("s", used=300.5)
    kiro = Kiro(one, arn_rule=ArnRule.OWN)
    found = await verify(signed_in(one), Defaults(), Wire(), kiro)
    assert found.problem == ""
    assert found.usage.remaining == 699.5
    assert found.changes({}) == {
        "email": "s@example.invalid",
        "subscriptionTitle": "KIRO PRO",
        "userId": "simulated.s",
    }
    assert found.changes({"email": "s@example.invalid", "subscriptionTitle": "KIRO PRO"}) == {
        "userId": "simulated.s"
    }
    assert kiro.paths == ["/getUsageLimits"]


async def test_an_organisations_profile_is_found_first():
    one = account("o", "idc")
    kiro = Kiro(one, arn_rule=ArnRule.OWN)
    found = await verify(signed_in(one, profileArn="", provider="Enterprise"), Defaults(), Wire(), kiro)
    assert found.profile_arn == one.profile_arn
    assert found.changes({})["profileArn"] == one.profile_arn
    assert found.problem == ""


@pytest.mark.parametrize("rule", [ArnRule.OWN, ArnRule.BUILDER_WITHOUT, ArnRule.ANY])
async def test_a_builder_id_is_verified_with_its_arn_or_without(rule):
    one = account("b", "builder-id")
    found = await verify(signed_in(one), Defaults(), Wire(), Kiro(one, arn_rule=rule))
    assert found.kind is AccountKind.BUILDER_ID
    assert found.usage is not None
    assert "profileArn" not in found.changes({})


async def test_an_organisation_without_a_profile():
    one = account("o", "idc", profile_arn=None)
    found = await verify(signed_in(one), Defaults(), Wire(), Kiro(one))
    assert "ask the administrator" in found.problem


async def test_an_api_key_is_verified_at_its_own_endpoint():
    one = account("k", "api-key")
    kiro = Kiro(one)
    credential = read_entry(one.credential(), 1, ENDPOINTS)
    found = await verify(credential, Defaults(), Wire(), kiro)
    assert found.usage is not None
    assert kiro.calls[0][0] == "management.us-east-1.kiro.dev"


async def test_a_suspended_account_says_so():
    one = account("s", suspended=True)
    found = await verify(signed_in(one), Defaults(), Wire(), Kiro(one))
    assert found.usage is None
    assert found.problem.startswith("the account is suspended")
    assert found.changes({}) == {}


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"<html>", b'{"userInfo": []}', b'{"userInfo": {"userId": "a\\nb"}}']
)
async def test_odd_answers(body):
    one = account("s")
    kiro = Kiro(one, instead={"/getUsageLimits": [SmallResponse(200, {}, body)]})
    found = await verify(signed_in(one), Defaults(), Wire(), kiro)
    assert found.user_id == ""
    assert (found.usage is None) is (not body.startswith(b"{"))
