"""No secret leaves this room but in a lease: not in logs, reprs, problems, failures or the state file."""

import json

import trio
from structlog.testing import capture_logs

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.entry import InvalidEntry
from kiro_trio.credentials.file import NotWritten
from kiro_trio.credentials.ledger import DuplicateCredential
from kiro_trio.credentials.roster import Penalty
from tests.credentials.entries import idc, read_json, social
from tests.credentials.patience import patiently
from tests.credentials.service import Service, account, keeping, refusal

HUSH = "hushhush"
SECRETS = ("refreshToken", "accessToken", "clientSecret", "kiroApiKey", "proxyPassword", "proxyUsername")


async def failures_of(keeper, *entries):
    """The texts of what goes wrong when these are added."""
    texts = []
    for entry in entries:
        try:
            await keeper.owner.add(entry)
        except (InvalidEntry, DuplicateCredential, NotWritten) as error:
            texts.append(repr(error))
    return texts


@patiently
async def test_nothing_says_a_secret(tmp_path):
    path = tmp_path / "credentials.json"
    service = Service(account("a"), account("b", kind="idc"), account(HUSH), latency=0.1)
    entries = [one.credential() for one in service.accounts.accounts]
    entries[0] |= {"proxyUrl": f"http://{HUSH}:{HUSH}@p:1"}
    entries[1] |= {"proxyUrl": "socks5://p:1", "proxyUsername": HUSH, "proxyPassword": HUSH}
    broken = social(
        "c", region=HUSH, accessToken=f"{HUSH} {HUSH}", proxyUrl=f"ftp://u:{HUSH}@h", clientSecret=HUSH
    )
    service.instead["/token"] = [refusal(400, HUSH), Failure(Fault.PROXY_FAILED, "socks5://p:1")]
    said = []
    with capture_logs() as logs:
        async with keeping(path, service, *entries, {"kiroApiKey": f"ksk_{HUSH}"}, broken) as keeper:
            for _ in range(3):
                lease = await keeper.lease(model_id="m", session=HUSH)
                keeper.settle(lease, Failure(Fault.TOKEN_REFUSED), Penalty.STRIKE)
                said.append(lease)
                await trio.sleep(5)
            said += await failures_of(
                keeper,
                entries[0],
                broken,
                idc("x", clientId=None, refreshToken=HUSH),
                {"kiroApiKey": f"ksk_{HUSH}"},
            )
            path.write_text("{")
            said.append(await keeper.owner.renew_now(1))
            said += await failures_of(keeper, social("new"))
            said += [keeper.problems, keeper, keeper.options, keeper._custody, keeper._custody.roster]
            said += [keeper._custody.store.credentials, *keeper._custody.roster]
    state = path.with_name("credentials.state.json").read_text()
    told = repr(logs) + repr(said) + repr(keeper.standings()) + state
    values = {HUSH, *(entry[key] for entry in entries for key in SECRETS if key in entry)}
    values |= {
        value
        for one in service.accounts.accounts
        for value in (one.refresh_token, *one.tokens, one.client_secret)
        if value
    }
    assert len(values) >= 10
    for value in values:
        assert value not in told
    assert logs
    rescued = read_json(path.with_name("credentials.json.unsaved"))
    assert rescued["1"]["refreshToken"] == service.accounts.accounts[0].refresh_token
    assert json.loads(state)["version"] == 1
