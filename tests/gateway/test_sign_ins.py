"""Sign-ins that run in the gateway, with hours in no time: each way in, each way out, and what the keeper has of it."""

import json
from contextlib import asynccontextmanager

import httpx
import pytest
import trio

from kiro_trio.credentials.calls import SmallResponse, Wire
from kiro_trio.credentials.credential import Defaults, Lease
from kiro_trio.credentials.expiry import format_expiry
from kiro_trio.credentials.keeper import Keeper, KeeperOptions
from kiro_trio.credentials.login.addresses import NotOurCallback
from kiro_trio.credentials.login.browser import PATIENCE
from kiro_trio.credentials.login.desk import Desk
from kiro_trio.credentials.login.providers import Provider
from kiro_trio.credentials.state import StateFile
from kiro_trio.credentials.store import FileStore
from kiro_trio.gateway.balances import Balances
from kiro_trio.gateway.sign_in import NeedsNoAddress, State, Wish
from kiro_trio.gateway.sign_ins import KEPT, MOST, Accounts, NoSignIns, SignIns, TooManySignIns
from tests.credentials.entries import NOW, refresh_token
from tests.credentials.patience import patiently
from tests.credentials.signing import Kiro, account, clock, query

START_URL = "https://d-1234567890.awsapps.com/start"
MODEL = "claude-sonnet-4.5"


class Place:
    """A gateway's accounts, its sign-ins, and Kiro. `stop` is the gateway's end."""

    def __init__(self, folder, kiro):
        self.path = folder / "credentials.json"
        self.kiro = kiro

    async def open(self):
        self.store = FileStore(self.path, Defaults())
        await self.store.open()
        options = KeeperOptions(renew_ahead=0)
        state = StateFile(self.path.with_name("state.json"))
        self.keeper = Keeper(self.store, state, self.kiro, options, clock=clock)
        self.balances = Balances(self.keeper.owner, clock)
        accounts = Accounts(self.store, self.keeper.owner, self.balances)
        self.sign_ins = SignIns(accounts, self.desk, clock)
        self.sign_ins.ports = (0,)

    def desk(self, settings):
        return Desk(self.kiro, Wire(), Defaults(), clock, machine_id="7" * 64)

    @property
    def file(self):
        return json.loads(self.path.read_text())

    @property
    def entry(self):
        [entry] = self.file
        return entry

    async def until_stopped(self, *, task_status=trio.TASK_STATUS_IGNORED):
        async with trio.open_nursery() as nursery:
            await nursery.start(self.keeper.run)
            await nursery.start(self.sign_ins.run)
            task_status.started(nursery.cancel_scope)


@asynccontextmanager
async def place(folder, kiro, *entries):
    here = Place(folder, kiro)
    if entries:
        here.path.write_text(json.dumps(list(entries)))
    await here.open()
    async with trio.open_nursery() as nursery:
        here.stop = (await nursery.start(here.until_stopped)).cancel
        yield here
        here.stop()


async def shown(here, provider, **keys):
    mine = here.sign_ins.begin(Wish(provider, **keys))
    await mine.shown.wait()
    return mine


async def ended(mine):
    await mine.ended.wait()
    return mine.state


@patiently
class TestByCode:
    async def test_a_builder_id_is_in_the_keepers_hands_at_once(self, tmp_path):
        one = account("b", "builder-id")
        kiro = Kiro(one)
        kiro.simulator.sign_in.pending_polls = 30
        async with place(tmp_path, kiro) as here:
            mine = await shown(here, Provider.BUILDER_ID, settings={"priority": 3})
            assert (mine.state, mine.needs_address, mine.redirect_uri) == (State.WAITING, False, "")
            assert mine.user_code in mine.url
            assert mine.expires_at == pytest.approx(NOW + 600, abs=5)
            with pytest.raises(NeedsNoAddress, match="confirmed with its code"):
                mine.bring("http://127.0.0.1/?code=x&state=y")
            await trio.sleep(5)
            kiro.simulator.sign_in.approve({"user_code": mine.user_code})
            assert await ended(mine) is State.DONE
            assert mine.message == "Stored as account 1."
            found = mine.completed
            assert (found.verified.usage.title, found.verified.usage.remaining) == ("KIRO PRO", 987.5)
            assert not found.enrolled.replaced
            calls = len(kiro.calls)
            lease = await here.keeper.lease(model_id=MODEL)
            assert isinstance(lease, Lease)
            assert len(kiro.calls) == calls  # its token is fresh
            assert dict(here.balances.known())[1].limits.remaining == 987.5
        assert here.entry["refreshToken"] == one.refresh_token
        assert here.entry["priority"] == 3
        assert here.entry["email"] == one.email

    @pytest.mark.parametrize(("region", "tries"), [("", 3), ("eu-central-1", 1)])
    async def test_an_organisation_whose_region_is_known_or_not(self, tmp_path, region, tries):
        kiro = Kiro(account("o", "idc"), home="eu-central-1")
        async with place(tmp_path, kiro) as here:
            mine = await shown(here, Provider.ORGANISATION, start_url=START_URL, region=region)
            assert await ended(mine) is State.DONE
        assert here.entry["region"] == "eu-central-1"
        assert here.entry["startUrl"] == START_URL
        assert here.entry["profileArn"]
        assert kiro.paths.count("/device_authorization") == tries

    async def test_a_start_url_that_nobody_knows(self, tmp_path):
        async with place(tmp_path, Kiro(home="nowhere-1")) as here:
            mine = await shown(here, Provider.ORGANISATION, start_url=START_URL)
            assert (await ended(mine), mine.url) == (State.FAILED, "")
            assert mine.message.startswith("None of 10 regions knows this start URL")
            assert mine.message.endswith(".")

    async def test_a_no_in_the_browser(self, tmp_path):
        kiro = Kiro(account("b", "builder-id"))
        kiro.simulator.sign_in.denied = True
        async with place(tmp_path, kiro) as here:
            mine = await shown(here, Provider.BUILDER_ID)
            assert await ended(mine) is State.FAILED
            assert mine.message == "The sign-in was refused in the browser."
        assert not here.path.exists()

    async def test_nobody_comes(self, tmp_path):
        kiro = Kiro(account("b", "builder-id"))
        kiro.simulator.sign_in.pending_polls = 10**6
        async with place(tmp_path, kiro) as here:
            began = trio.current_time()
            mine = await shown(here, Provider.BUILDER_ID)
            assert await ended(mine) is State.FAILED
            assert trio.current_time() - began == pytest.approx(600, abs=10)
            assert mine.message.startswith("The code has expired before anybody confirmed it")

    async def test_a_suspended_account_is_not_stored(self, tmp_path):
        async with place(tmp_path, Kiro(account("b", "builder-id", suspended=True))) as here:
            mine = await shown(here, Provider.BUILDER_ID)
            assert await ended(mine) is State.FAILED
            assert "was not stored, for Kiro does not let it in" in mine.message
            assert not here.path.exists()

    async def test_an_account_that_kiro_says_nothing_of_is_stored_with_a_warning(self, tmp_path):
        silent = {"/getUsageLimits": [SmallResponse(500, {}, b"{}")] * 9}
        async with place(tmp_path, Kiro(account("b", "builder-id"), instead=silent)) as here:
            mine = await shown(here, Provider.BUILDER_ID)
            assert await ended(mine) is State.DONE
            assert mine.message.startswith("Stored as account 1. Warning: ")
            assert mine.completed.verified.usage is None

    async def test_a_service_that_never_answers(self, tmp_path):
        kiro = Kiro()

        async def never(call, proxy):
            await trio.sleep_forever()

        kiro.send = never
        async with place(tmp_path, kiro) as here:
            mine = await shown(here, Provider.BUILDER_ID)
            assert await ended(mine) is State.FAILED
            assert mine.message == "The sign-in service has not answered within 3 minutes."
            assert trio.current_time() == pytest.approx(180, abs=5)

    async def test_a_file_that_takes_nothing(self, tmp_path):
        kiro = Kiro(account("b", "builder-id"))
        async with place(tmp_path, kiro) as here:
            here.path.write_text("[{")
            mine = await shown(here, Provider.BUILDER_ID)
            assert await ended(mine) is State.FAILED
            assert mine.message.startswith("The account could not be stored: ")

    async def test_a_bug_ends_the_sign_in_and_not_the_gateway(self, tmp_path):
        kiro = Kiro(account("b", "builder-id"), instead={"/client/register": [None]})
        async with place(tmp_path, kiro) as here:
            mine = await shown(here, Provider.BUILDER_ID)
            assert await ended(mine) is State.FAILED
            assert "bug" in mine.message
            assert await ended(await shown(here, Provider.BUILDER_ID)) is State.DONE


@patiently
class TestInABrowser:
    @pytest.mark.parametrize("provider", [Provider.GOOGLE, Provider.GITHUB])
    async def test_a_pasted_address(self, tmp_path, provider):
        one = account("s")
        kiro = Kiro(one)
        async with place(tmp_path, kiro) as here:
            mine = await shown(here, provider, browser=True)
            assert query(mine.url)["idp"] == provider.value.name
            assert (mine.needs_address, mine.user_code) == (True, "")
            assert mine.expires_at == pytest.approx(NOW + PATIENCE, abs=5)
            back = kiro.browse(mine.url)
            assert back.startswith(mine.redirect_uri)
            mine.bring(f"  {back} ")
            assert (mine.state, mine.needs_address) == (State.FINISHING, False)
            with pytest.raises(NeedsNoAddress, match="waits for no address any more"):
                mine.bring(back)
            assert await ended(mine) is State.DONE
        assert here.entry["refreshToken"] == one.refresh_token
        assert here.entry["provider"] == provider.value.name

    @pytest.mark.parametrize("provider", [Provider.BUILDER_ID, Provider.ORGANISATION])
    async def test_those_with_codes_may_come_by_browser_too(self, tmp_path, provider):
        kiro = Kiro(account("o", "idc" if provider is Provider.ORGANISATION else "builder-id"))
        keys = {"start_url": START_URL, "region": "us-east-1"} if provider is Provider.ORGANISATION else {}
        async with place(tmp_path, kiro) as here:
            mine = await shown(here, provider, browser=True, **keys)
            mine.bring(kiro.browse(mine.url))
            assert await ended(mine) is State.DONE
        assert here.entry["clientId"]

    async def test_wrong_addresses_change_nothing(self, tmp_path):
        kiro = Kiro(account("s"))
        async with place(tmp_path, kiro) as here:
            mine = await shown(here, Provider.GOOGLE, browser=True)
            other = await shown(here, Provider.GOOGLE, browser=True)
            foreign = kiro.browse(other.url)
            for address, why in (
                ("", "no code in it"),
                ("https://example.com/", "no code in it"),
                (mine.url, "no code in it"),
                (foreign, "belongs to another sign-in"),
                ("?error=access_denied&state=guessed", "belongs to another sign-in"),
                ("?code=\ud800&state=\ud800", "belongs to another sign-in"),
            ):
                with pytest.raises(NotOurCallback, match=why):
                    mine.bring(address)
                assert mine.needs_address
            other.bring(foreign)
            mine.bring(kiro.browse(mine.url))
            assert await ended(mine) is await ended(other) is State.DONE

    async def test_a_no_of_the_provider(self, tmp_path):
        async with place(tmp_path, Kiro(account("s"))) as here:
            mine = await shown(here, Provider.GITHUB, browser=True)
            mine.bring(f"?error=access_denied&state={query(mine.url)['state']}")
            assert await ended(mine) is State.FAILED
            assert mine.message == "The sign-in was refused: access_denied."

    async def test_a_code_that_the_service_does_not_take(self, tmp_path):
        async with place(tmp_path, Kiro(account("s"))) as here:
            mine = await shown(here, Provider.GITHUB, browser=True)
            mine.bring(f"?code=made-up&state={query(mine.url)['state']}")
            assert await ended(mine) is State.FAILED
            assert mine.message.startswith("The sign-in was refused: HTTP 4")
            assert "made-up" not in mine.message

    async def test_nobody_comes_back(self, tmp_path):
        async with place(tmp_path, Kiro(account("s"))) as here:
            mine = await shown(here, Provider.GOOGLE, browser=True)
            assert await ended(mine) is State.FAILED
            assert trio.current_time() == pytest.approx(PATIENCE, abs=5)
            assert mine.message == "No browser has come back within 10 minutes."


class TestOnThisMachine:
    """A browser of this machine; on a real clock, for there are sockets."""

    async def test_it_comes_back_by_itself(self, tmp_path):
        kiro = Kiro(account("s"))
        async with place(tmp_path, kiro) as here:
            mine = await shown(here, Provider.GOOGLE, browser=True, listen=True)
            async with httpx.AsyncClient(trust_env=False) as browser:
                page = await browser.get(kiro.browse(mine.url))
            assert (page.status_code, "You may close this window" in page.text) == (200, True)
            with trio.fail_after(10):
                assert await ended(mine) is State.DONE

    async def test_pasting_works_too_and_closes_the_port(self, tmp_path):
        kiro = Kiro(account("s"))
        async with place(tmp_path, kiro) as here:
            mine = await shown(here, Provider.GOOGLE, browser=True, listen=True)
            port = int(mine.redirect_uri.partition("/oauth")[0].rpartition(":")[2])
            mine.bring(kiro.browse(mine.url))
            with trio.fail_after(10):
                assert await ended(mine) is State.DONE
            with pytest.raises(OSError, match=r"."):
                await trio.open_tcp_stream("127.0.0.1", port)

    async def test_taken_ports_leave_the_pasting(self, tmp_path):
        kiro = Kiro(account("s"))
        [taken] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        async with taken, place(tmp_path, kiro) as here:
            port = taken.socket.getsockname()[1]
            here.sign_ins.ports = (port,)
            mine = await shown(here, Provider.GOOGLE, browser=True, listen=True)
            assert f":{port}/" in mine.redirect_uri
            mine.bring(kiro.browse(mine.url))
            with trio.fail_after(10):
                assert await ended(mine) is State.DONE


@patiently
class TestEnds:
    @pytest.mark.parametrize("browser", [False, True])
    async def test_its_owner_gives_it_up(self, tmp_path, browser):
        kiro = Kiro(account("b", "builder-id"))
        kiro.simulator.sign_in.pending_polls = 10**6
        async with place(tmp_path, kiro) as here:
            mine = await shown(here, Provider.BUILDER_ID, browser=browser)
            await trio.sleep(30)
            await mine.cancel()
            assert (mine.state, mine.ended.is_set()) == (State.CANCELLED, True)
            calls = len(kiro.calls)
            await trio.sleep(60)
            assert len(kiro.calls) == calls
            await mine.cancel()  # once more is no harm
            assert mine.message == "The sign-in was cancelled; nothing was stored."
        assert not here.path.exists()

    async def test_the_gateway_stops(self, tmp_path):
        kiro = Kiro(account("b", "builder-id"))
        kiro.simulator.sign_in.pending_polls = 10**6
        async with place(tmp_path, kiro) as here:
            mine = await shown(here, Provider.BUILDER_ID)
            other = await shown(here, Provider.GOOGLE, browser=True)
            here.stop()
            await mine.ended.wait()
            await other.ended.wait()
            assert mine.state is other.state is State.CANCELLED
            with pytest.raises(NoSignIns):
                here.sign_ins.begin(Wish(Provider.BUILDER_ID))

    async def test_only_so_many_at_once(self, tmp_path):
        async with place(tmp_path, Kiro(account("s"))) as here:
            running = [await shown(here, Provider.GOOGLE, browser=True) for _ in range(MOST)]
            with pytest.raises(TooManySignIns):
                here.sign_ins.begin(Wish(Provider.GOOGLE, browser=True))
            await running[0].cancel()
            newest = await shown(here, Provider.GOOGLE, browser=True)
            assert [*here.sign_ins] == [newest, *reversed(running)]

    async def test_what_has_ended_is_shown_for_a_while(self, tmp_path):
        async with place(tmp_path, Kiro(account("s"))) as here:
            mine = await shown(here, Provider.GOOGLE, browser=True)
            await mine.cancel()
            await trio.sleep(KEPT - 1)
            assert here.sign_ins.get(mine.id) is mine
            await trio.sleep(1)
            assert here.sign_ins.get(mine.id) is None
            for _ in range(50):
                await (await shown(here, Provider.GOOGLE, browser=True)).cancel()
            assert len([*here.sign_ins]) == 20
            here.sign_ins.forget(next(iter(here.sign_ins)))
            assert len([*here.sign_ins]) == 19


@patiently
class TestAgain:
    async def test_the_old_sign_in_is_replaced_where_it_stands(self, tmp_path):
        one = account("b", "builder-id")
        old = {**one.credential(), "provider": "BuilderId", "priority": 7, "disabled": True}
        old["refreshToken"] = refresh_token("old")
        async with place(tmp_path, Kiro(one), old) as here:
            assert here.keeper.available() == 0
            mine = await shown(here, Provider.BUILDER_ID)
            assert await ended(mine) is State.DONE
            assert mine.completed.enrolled.replaced
            assert mine.message == "Account 1 was there already and has the new sign-in now."
            assert here.keeper.available() == 1
        assert here.entry["refreshToken"] == one.refresh_token
        assert here.entry["priority"] == 7
        assert "disabled" not in here.entry

    async def test_two_at_once_of_one_person_are_one_account(self, tmp_path):
        kiro = Kiro(account("s"))
        kiro.simulator.rotate_refresh_tokens = True  # each sign-in has its own tokens
        send = kiro.send

        async def slowly(call, proxy):
            await trio.sleep(1)
            return await send(call, proxy)

        kiro.send = slowly
        async with place(tmp_path, kiro) as here:
            both = [await shown(here, Provider.GOOGLE, browser=True) for _ in range(2)]
            for mine in both:
                mine.bring(kiro.browse(mine.url))
            assert [await ended(mine) for mine in both] == [State.DONE, State.DONE]
            assert here.keeper.available() == 1
        assert here.entry["email"] == "s@example.invalid"

    async def test_a_renewal_under_way_is_not_laid_over_the_new_sign_in(self, tmp_path):
        """The old token's renewal answers when the new sign-in has come: its client would not fit the old tokens."""
        one = account("b", "builder-id")
        old = {**one.credential(), "provider": "BuilderId", "accessToken": "aoaOld"}
        old["expiresAt"] = format_expiry(NOW - 60)
        kiro = Kiro(one)
        kiro.simulator.rotate_refresh_tokens = True
        send, renewed = kiro.send, []

        async def slow_to_renew(call, proxy):
            answer = await send(call, proxy)
            if json.loads(call.body or b"{}").get("grantType") == "refresh_token":
                renewed.append(answer.status)
                await trio.sleep(20)
            return answer

        kiro.send = slow_to_renew
        async with place(tmp_path, kiro, old) as here, trio.open_nursery() as nursery:
            nursery.start_soon(here.keeper.owner.renew_now, 1)
            await trio.sleep(1)
            mine = await shown(here, Provider.BUILDER_ID)
            assert await ended(mine) is State.DONE
            await trio.sleep(30)
            assert renewed == [200]
            new = mine.completed.entry
            assert here.entry["clientId"] == new["clientId"] != old["clientId"]
            assert here.entry["refreshToken"] == new["refreshToken"]
            assert here.store.credentials[1].refresh_token == new["refreshToken"]

    async def test_an_account_that_is_removed_meanwhile_is_added_again(self, tmp_path):
        one = account("b", "builder-id")
        old = {**one.credential(), "provider": "BuilderId", "refreshToken": refresh_token("old")}
        async with place(tmp_path, Kiro(one), old) as here:
            edit = here.store.edit

            async def too_late(number, changes):
                here.store.edit = edit
                await here.store.remove(number)
                await edit(number, changes)

            here.store.edit = too_late
            mine = await shown(here, Provider.BUILDER_ID)
            assert await ended(mine) is State.DONE
            assert (mine.completed.enrolled.credential_id, mine.completed.enrolled.replaced) == (2, False)
        assert here.entry["refreshToken"] == one.refresh_token
