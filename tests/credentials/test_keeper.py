import json
from functools import partial

import pytest
import trio

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.credential import ArnMode, Defaults, Lease, Proxy
from kiro_trio.credentials.entry import InvalidEntry
from kiro_trio.credentials.ledger import DuplicateCredential
from kiro_trio.credentials.roster import Penalty, Standing
from kiro_trio.credentials.store import FileStore
from tests.credentials.entries import NOW, fresh, idc, read_json, refresh_token, social
from tests.credentials.patience import patiently
from tests.credentials.service import Service, account, keeping, new_keeper, refusal, response

MODEL = "claude-sonnet-4.5"
NO_RENEWALS_AHEAD = {"renew_ahead": 0.0}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "credentials.json"


def standing(keeper, number=1):
    return next(status.standing for status in keeper.standings() if status.id == number)


def failed(fault, **keys):
    return Failure(fault, **keys)


@patiently
class TestLeases:
    async def test_a_lease_has_all_that_a_call_needs(self, path):
        entry = fresh("a", region="eu-west-1", endpoint="cli", machineId="f" * 64, proxyUrl="http://p:1")
        async with keeping(path, Service(), entry) as keeper:
            lease = await keeper.lease(model_id=MODEL, session="s")
        assert lease == Lease(
            1,
            "aoa-a",
            api_key=False,
            api_region="us-east-1",
            auth_region="eu-west-1",
            endpoint="cli",
            profile_arn=Defaults().social_arn,
            machine_id="f" * 64,
            proxy=Proxy("http", "p", 1),
            model_id=MODEL,
            session="s",
            ticket=1,
        )

    async def test_an_api_key_needs_no_renewal_and_no_arn(self, path):
        service = Service()
        async with keeping(path, service, {"kiroApiKey": "ksk_1"}) as keeper:
            lease = await keeper.lease(model_id=MODEL)
            assert (lease.access_token, lease.api_key, lease.profile_arn, lease.endpoint) == (
                "ksk_1",
                True,
                None,
                "cli",
            )
            refused = await keeper.renew(lease)
            assert refused.fault is Fault.TOKEN_REFUSED
            assert keeper.rebind(lease) is None
        assert service.calls == []

    async def test_the_key_of_the_environment_comes_first_and_is_never_written(self, path):
        async with keeping(path, Service(), fresh("a"), environment_key=" ksk_env ") as keeper:
            lease = await keeper.lease(model_id=MODEL)
            assert (lease.credential_id, lease.access_token) == (0, "ksk_env")
            await keeper.owner.edit(1, {"priority": 4})
            with pytest.raises(KeyError):
                await keeper.owner.edit(0, {"priority": 4})
            keeper.owner.reset(0)
        assert "ksk_env" not in "".join(file.read_text() for file in path.parent.iterdir())

    async def test_the_key_of_the_environment_that_is_in_the_file_too_is_one_account(self, path):
        async with keeping(path, Service(), {"kiroApiKey": "ksk_1"}, environment_key="ksk_1") as keeper:
            assert [status.id for status in keeper.standings()] == [1]

    async def test_settling_twice_changes_nothing(self, path):
        async with keeping(path, Service(), fresh("a"), fresh("b"), order="balanced") as keeper:
            first = await keeper.lease(model_id=MODEL)
            second = await keeper.lease(model_id=MODEL)
            keeper.settle(first, None, Penalty.NONE)
            keeper.settle(first, failed(Fault.SUSPENDED), Penalty.SUSPENDED)
            assert [status.in_flight for status in keeper.standings()] == [0, 1]
            assert standing(keeper) is Standing.READY
            keeper.settle(second, None, Penalty.NONE)

    @pytest.mark.parametrize(
        ("fault", "penalty", "expected"),
        [
            (Fault.THROTTLED, Penalty.COOL_DOWN, Standing.COOLING),
            (Fault.DAILY_QUOTA, Penalty.SPENT_TODAY, Standing.SPENT_TODAY),
            (Fault.MONTHLY_QUOTA, Penalty.SPENT_THIS_MONTH, Standing.SPENT_THIS_MONTH),
            (Fault.SUSPENDED, Penalty.SUSPENDED, Standing.SUSPENDED),
            (Fault.RENEWAL_REFUSED, Penalty.REVOKED, Standing.READY),
            (Fault.SERVER_ERROR, Penalty.NONE, Standing.READY),
            (Fault.CLIENT_GONE, Penalty.SUSPENDED, Standing.READY),
        ],
    )
    async def test_what_a_settled_failure_does(self, path, fault, penalty, expected):
        async with keeping(path, Service(account("a"), latency=0.0), fresh("a")) as keeper:
            keeper.settle(await keeper.lease(model_id=MODEL), failed(fault, retry_after=99), penalty)
            [status] = keeper.standings()
            assert (status.standing, status.in_flight) == (expected, 0)

    async def test_a_penalty_beside_a_whole_reply_means_nothing(self, path):
        async with keeping(path, Service(), fresh("a")) as keeper:
            keeper.settle(await keeper.lease(model_id=MODEL), None, Penalty.SUSPENDED)
            [status] = keeper.standings()
            assert (status.standing, status.successes, status.last_used_at) == (Standing.READY, 1, NOW)

    async def test_droughts_are_told_with_what_follows(self, path):
        async with keeping(path, Service(account("a")), fresh("a"), drought_patience=0.0) as keeper:
            for fault, penalty in (
                (Fault.THROTTLED, Penalty.COOL_DOWN),
                (Fault.DAILY_QUOTA, Penalty.SPENT_TODAY),
                (Fault.MONTHLY_QUOTA, Penalty.SPENT_THIS_MONTH),
            ):
                keeper.settle(await keeper.lease(model_id=MODEL), failed(fault, retry_after=77.0), penalty)
                told = await keeper.lease(model_id=MODEL)
                [status] = keeper.standings()
                assert told.fault is fault
                assert told.retry_after == pytest.approx(status.until - (NOW + trio.current_time()))
                keeper.owner.reset(1)
            keeper.settle(await keeper.lease(model_id=MODEL), failed(Fault.SUSPENDED), Penalty.SUSPENDED)
            told = await keeper.lease(model_id=MODEL)
            assert (told.fault, told.retry_after) == (Fault.NO_CREDENTIAL, None)

    async def test_no_account_and_no_such_model(self, path):
        async with keeping(path, Service()) as keeper:
            assert (await keeper.lease(model_id=MODEL)).fault is Fault.NO_CREDENTIAL
        async with keeping(path, Service(), fresh("a", subscriptionTitle="KIRO FREE")) as keeper:
            assert (await keeper.lease(model_id="claude-opus-4.6")).fault is Fault.MODEL_UNKNOWN
            lease = await keeper.lease(model_id="gpt-9")
            keeper.settle(lease, failed(Fault.MODEL_UNKNOWN), Penalty.MODEL_REFUSED)
            assert (await keeper.lease(model_id="gpt-9")).fault is Fault.MODEL_UNKNOWN


@patiently
class TestWaiting:
    async def test_requests_wait_for_a_slot_in_their_order(self, path):
        order = []

        async def request(keeper, number):
            lease = await keeper.lease(model_id=MODEL)
            order.append(number)
            await trio.sleep(1)
            keeper.settle(lease, None, Penalty.NONE)

        async with (
            keeping(path, Service(), fresh("a"), concurrency=2) as keeper,
            trio.open_nursery() as nursery,
        ):
            for number in range(6):
                nursery.start_soon(request, keeper, number)
                await trio.testing.wait_all_tasks_blocked()
            assert keeper.waiting() == 4
        assert [sorted(order[at : at + 2]) for at in (0, 2, 4)] == [[0, 1], [2, 3], [4, 5]]
        assert trio.current_time() == pytest.approx(3)

    async def test_the_line_has_an_end_and_so_has_patience(self, path):
        answers = []

        async def request(keeper):
            answers.append(await keeper.lease(model_id=MODEL))

        options = {"concurrency": 1, "queue_limit": 2, "queue_patience": 30.0}
        async with keeping(path, Service(), fresh("a"), **options) as keeper, trio.open_nursery() as nursery:
            await keeper.lease(model_id=MODEL)
            nursery.start_soon(request, keeper)
            nursery.start_soon(request, keeper)
            await trio.testing.wait_all_tasks_blocked()
            refused = await keeper.lease(model_id=MODEL)
            assert (refused.fault, refused.retry_after) == (Fault.QUEUE_FULL, 5.0)
            assert trio.current_time() == 0
        assert [answer.fault for answer in answers] == [Fault.QUEUE_FULL] * 2
        assert trio.current_time() == pytest.approx(30)

    async def test_who_leaves_the_line_takes_no_slot_with_him(self, path):
        async with keeping(path, Service(), fresh("a"), concurrency=1) as keeper:
            lease = await keeper.lease(model_id=MODEL)
            with trio.move_on_after(1) as scope:
                await keeper.lease(model_id=MODEL)
            assert scope.cancelled_caught
            keeper.settle(lease, None, Penalty.NONE)
            assert isinstance(await keeper.lease(model_id=MODEL), Lease)

    async def test_who_leaves_at_the_moment_he_is_served_gives_the_slot_back(self, path):
        async with (
            keeping(path, Service(), fresh("a"), concurrency=1) as keeper,
            trio.open_nursery() as nursery,
        ):
            lease = await keeper.lease(model_id=MODEL)
            nursery.start_soon(partial(keeper.lease, model_id=MODEL))
            await trio.testing.wait_all_tasks_blocked()
            keeper.settle(lease, None, Penalty.NONE)
            nursery.cancel_scope.cancel()
        [status] = keeper.standings()
        assert status.in_flight == 0

    async def test_a_short_drought_is_waited_for(self, path):
        async with keeping(path, Service(), fresh("a")) as keeper:
            keeper.settle(
                await keeper.lease(model_id=MODEL), failed(Fault.THROTTLED, retry_after=5), Penalty.COOL_DOWN
            )
            lease = await keeper.lease(model_id=MODEL)
            assert isinstance(lease, Lease)
            assert trio.current_time() == pytest.approx(5, abs=0.1)

    async def test_nobody_waits_for_an_account_that_he_avoids(self, path):
        async with keeping(path, Service(), fresh("a")) as keeper:
            keeper.settle(
                await keeper.lease(model_id=MODEL), failed(Fault.THROTTLED, retry_after=5), Penalty.COOL_DOWN
            )
            told = await keeper.lease(model_id=MODEL, avoid={1})
            assert (told.fault, told.retry_after) == (Fault.THROTTLED, 5.0)
            assert trio.current_time() == 0

    async def test_an_account_that_is_switched_on_is_noticed_by_those_who_wait(self, path):
        async with keeping(path, Service(), fresh("a"), drought_patience=50.0) as keeper:
            keeper.settle(
                await keeper.lease(model_id=MODEL), failed(Fault.THROTTLED, retry_after=40), Penalty.COOL_DOWN
            )
            async with trio.open_nursery() as nursery:
                nursery.start_soon(partial(keeper.lease, model_id=MODEL))
                await trio.sleep(1)
                await keeper.owner.enable(1)
            assert trio.current_time() < 2


@patiently
class TestRenewal:
    async def test_sixty_four_requests_on_an_expired_account_renew_it_once(self, path):
        service = Service(account("a"))
        leases = []

        async def request(keeper):
            leases.append(await keeper.lease(model_id=MODEL))

        entry = service.accounts.accounts[0].credential()
        async with keeping(path, service, entry, concurrency=64, **NO_RENEWALS_AHEAD) as keeper:
            async with trio.open_nursery() as nursery:
                for _ in range(64):
                    nursery.start_soon(request, keeper)
            assert service.renewals == 1
            assert len({lease.access_token for lease in leases}) == 1
            assert len({lease.ticket for lease in leases}) == 64
        assert read_json(path)[0]["refreshToken"] == service.accounts.accounts[0].refresh_token

    async def test_sixty_four_refused_tokens_renew_it_once(self, path):
        service = Service(account("a"))
        renewed = []

        async def request(keeper):
            lease = await keeper.lease(model_id=MODEL)
            await trio.testing.wait_all_tasks_blocked()
            better = await keeper.renew(lease)
            renewed.append((better.ticket == lease.ticket, better.access_token != lease.access_token))
            keeper.settle(better, None, Penalty.NONE)

        async with keeping(
            path, service, service.accounts.accounts[0].credential(), concurrency=64
        ) as keeper:
            await keeper.lease(model_id=MODEL)
            assert service.renewals == 1
            async with trio.open_nursery() as nursery:
                for _ in range(63):
                    nursery.start_soon(request, keeper)
            assert service.renewals == 2
        assert renewed == [(True, True)] * 63

    @pytest.mark.parametrize("moment", [0.0, 0.25, 0.5, 0.75, 1.0])
    async def test_who_leaves_during_a_renewal_loses_no_token(self, path, moment):
        service = Service(account("a"))
        async with keeping(
            path, service, service.accounts.accounts[0].credential(), **NO_RENEWALS_AHEAD
        ) as keeper:
            with trio.move_on_after(moment):
                await keeper.lease(model_id=MODEL)
            await trio.sleep(3)
            assert read_json(path)[0]["refreshToken"] == service.accounts.accounts[0].refresh_token
            assert [status.in_flight for status in keeper.standings()] == [
                int(moment == 1.0 and service.renewals == 2)
            ]
            assert isinstance(await keeper.lease(model_id=MODEL), Lease)

    async def test_stopping_the_gateway_during_a_renewal_loses_no_token(self, path):
        service = Service(account("a"))
        async with keeping(path, service, service.accounts.accounts[0].credential()):
            await trio.sleep(0.75)
            assert service.accounts.accounts[0].renewals == 1
        assert read_json(path)[0]["refreshToken"] == service.accounts.accounts[0].refresh_token

    async def test_a_renewal_that_hangs_does_not_keep_the_gateway_from_stopping(self, path):
        service = Service(account("a"), latency=10_000.0)
        async with keeping(path, service, service.accounts.accounts[0].credential()):
            await trio.sleep(1)
        assert trio.current_time() < 40

    async def test_a_slow_renewal_is_waited_for_when_the_gateway_stops(self, path):
        service = Service(account("a"), latency=29.0)
        async with keeping(path, service, service.accounts.accounts[0].credential()):
            await trio.sleep(1)
        assert service.accounts.accounts[0].renewals == 1
        assert read_json(path)[0]["refreshToken"] == service.accounts.accounts[0].refresh_token

    async def test_another_process_renewed_it_already(self, path):
        service = Service(account("a"))
        entry = service.accounts.accounts[0].credential()
        async with keeping(path, service, entry, **NO_RENEWALS_AHEAD) as keeper:
            other = await new_keeper(path, service, **NO_RENEWALS_AHEAD)
            async with trio.open_nursery() as nursery:
                await nursery.start(other.run)
                lease = await other.lease(model_id=MODEL)
                nursery.cancel_scope.cancel()
            mine = await keeper.lease(model_id=MODEL)
            assert mine.access_token == lease.access_token
        assert service.renewals == 1

    async def test_two_processes_at_once_renew_it_once(self, path):
        service = Service(account("a"))
        path.write_text(json.dumps([service.accounts.accounts[0].credential()]))
        keepers = [await new_keeper(path, service) for _ in range(2)]
        leases = []

        async def request(keeper):
            leases.append(await keeper.lease(model_id=MODEL))

        async with trio.open_nursery() as nursery:
            for keeper in keepers:
                await nursery.start(keeper.run)
            async with trio.open_nursery() as requests:
                for keeper in keepers:
                    requests.start_soon(request, keeper)
            nursery.cancel_scope.cancel()
        assert service.renewals == 1
        assert leases[0].access_token == leases[1].access_token

    async def test_tokens_are_renewed_ahead_of_their_end(self, path):
        service = Service(account("a"), account("b"))
        entries = [one.credential() for one in service.accounts.accounts]
        async with keeping(path, service, *entries) as keeper:
            await trio.sleep(10)
            assert service.renewals == 2
            await trio.sleep(3600)
            assert service.renewals == 4
            before = trio.current_time()
            await keeper.lease(model_id=MODEL)
            assert trio.current_time() == before

    async def test_a_service_that_is_down_is_asked_less_and_less(self, path):
        service = Service(account("a"), latency=0.0)
        service.instead["/refreshToken"] = [refusal(500)] * 100
        entry = service.accounts.accounts[0].credential()
        async with keeping(path, service, entry, watch_every=60.0):
            await trio.sleep(1500)
        assert 5 < service.renewals < 15

    async def test_tokens_that_live_minutes_are_not_renewed_all_the_time(self, path):
        service = Service(account("a"), lifetime=240.0)
        async with keeping(path, service, service.accounts.accounts[0].credential()) as keeper:
            await trio.sleep(2400)
            assert isinstance(await keeper.lease(model_id=MODEL), Lease)
        assert 10 <= service.renewals <= 20

    async def test_switched_off_accounts_are_left_alone(self, path):
        service = Service(account("a"))
        async with keeping(path, service, {**service.accounts.accounts[0].credential(), "disabled": True}):
            await trio.sleep(100)
        assert service.renewals == 0

    async def test_a_revoked_account_is_left_for_another_and_stays_out(self, path):
        service = Service(account("a", revoked=True), account("b"))
        entries = [one.credential() for one in service.accounts.accounts]
        async with keeping(path, service, *entries, **NO_RENEWALS_AHEAD) as keeper:
            lease = await keeper.lease(model_id=MODEL)
            assert lease.credential_id == 2
            assert standing(keeper) is Standing.REVOKED
            renewals = service.renewals
            refused = await keeper.lease(model_id=MODEL, avoid={2})
            assert refused.fault is Fault.NO_CREDENTIAL
            assert service.renewals == renewals

    async def test_the_only_account_is_revoked(self, path):
        service = Service(account("a", revoked=True))
        async with keeping(
            path, service, service.accounts.accounts[0].credential(), **NO_RENEWALS_AHEAD
        ) as keeper:
            told = await keeper.lease(model_id=MODEL)
            assert told.fault is Fault.RENEWAL_REFUSED
            assert "invalid_grant" in told.detail

    @pytest.mark.parametrize(
        ("answer", "wait"),
        [
            (refusal(500), 2.0),
            (refusal(429, retry_after="7"), 7.0),
            (refusal(400, "slow_down"), 2.0),
            (refusal(200), 2.0),
            (Failure(Fault.PROXY_FAILED, "http://p:1"), 2.0),
        ],
    )
    async def test_bad_luck_is_waited_out_without_a_strike(self, path, answer, wait):
        service = Service(account("a"), latency=0.0)
        service.instead["/refreshToken"] = [answer] * 4
        entry = service.accounts.accounts[0].credential()
        async with keeping(path, service, entry, drought_patience=0.0, **NO_RENEWALS_AHEAD) as keeper:
            told = await keeper.lease(model_id=MODEL)
            assert told.fault is Fault.RENEWAL_FAILED
            [status] = keeper.standings()
            assert (status.standing, status.renewal_strikes) == (Standing.RENEWAL_DELAYED, 0)
            assert wait <= told.retry_after <= wait * 1.25
            before = service.renewals
            again = await keeper.lease(model_id=MODEL)
            assert (again.fault, service.renewals) == (Fault.NO_CREDENTIAL, before)
            service.instead.clear()
            await trio.sleep(wait * 1.25)
            assert isinstance(await keeper.lease(model_id=MODEL), Lease)

    async def test_a_token_that_cannot_be_renewed_serves_as_long_as_it_lives(self, path):
        service = Service(account("a"), latency=0.0)
        service.instead["/refreshToken"] = [refusal(500)] * 20
        entry = fresh("a", lifetime=100.0)
        async with keeping(path, service, entry, drought_patience=0.0, **NO_RENEWALS_AHEAD) as keeper:
            assert (await keeper.lease(model_id=MODEL)).access_token == "aoa-a"
            assert service.renewals == 1
            for _ in range(9):  # and nobody waits for another try before its time
                assert (await keeper.lease(model_id=MODEL)).access_token == "aoa-a"
            assert service.renewals == 1
            await trio.sleep(60)
            assert (await keeper.lease(model_id=MODEL)).access_token == "aoa-a"
            assert service.renewals == 2
            await trio.sleep(39)
            assert isinstance(await keeper.lease(model_id=MODEL), Failure)

    async def test_a_token_that_kiro_refused_is_not_used_again_until_it_is_renewed(self, path):
        service = Service(account("a"), latency=0.0)
        service.instead["/refreshToken"] = [refusal(500)] * 2
        one, two = service.accounts.accounts[0].credential(), fresh("b")
        entry = {**one, "accessToken": "aoa-a", "expiresAt": two["expiresAt"]}
        async with keeping(path, service, entry, two, **NO_RENEWALS_AHEAD) as keeper:
            lease, other = [await keeper.lease(model_id=MODEL) for _ in range(2)]
            for held in (lease, other):
                assert held.credential_id == 1
                failure = await keeper.renew(held)
                assert failure.fault is Fault.RENEWAL_FAILED
                keeper.settle(held, failure, Penalty.RENEWAL_STRIKE)
            assert service.renewals == 1
            assert failure.retry_after == pytest.approx(2.0, rel=0.3)
            assert standing(keeper) is Standing.RENEWAL_DELAYED
            assert (await keeper.lease(model_id=MODEL)).credential_id == 2
            service.instead.clear()
            await trio.sleep(3)
            renewed = await keeper.lease(model_id=MODEL)
            assert (renewed.credential_id, service.renewals) == (1, 2)
            assert renewed.access_token != "aoa-a"

    async def test_who_is_told_that_a_token_is_dead_learns_when_another_process_has_renewed_it(self, path):
        service = Service(account("a"), latency=0.0)
        path.write_text(json.dumps([service.accounts.accounts[0].credential()]))
        winner = await new_keeper(path, service, **NO_RENEWALS_AHEAD)
        async with keeping(path, service, **NO_RENEWALS_AHEAD) as loser, trio.open_nursery() as nursery:
            await nursery.start(winner.run)
            service.instead["/refreshToken"] = [refusal(400, "invalid_grant")]
            assert (await loser.lease(model_id=MODEL)).fault is Fault.RENEWAL_REFUSED
            assert standing(loser) is Standing.REVOKED
            assert isinstance(await winner.lease(model_id=MODEL), Lease)
            await trio.sleep(100)
            assert (standing(winner), standing(loser)) == (Standing.READY, Standing.READY)
            assert isinstance(await loser.lease(model_id=MODEL), Lease)
            nursery.cancel_scope.cancel()

    async def test_three_refused_renewals_put_an_account_out(self, path):
        service = Service(account("a"), latency=0.0)
        service.instead["/refreshToken"] = [refusal(401)] * 3
        entry = service.accounts.accounts[0].credential()
        async with keeping(path, service, entry, **NO_RENEWALS_AHEAD) as keeper:
            for strikes in range(1, 4):
                told = await keeper.lease(model_id=MODEL)
                assert told.fault is (Fault.RENEWAL_FAILED)
                assert keeper.standings()[0].renewal_strikes == strikes
                await trio.sleep(20)
            assert standing(keeper) is Standing.RENEWAL_STRUCK_OUT
            await trio.sleep(600)
            assert isinstance(await keeper.lease(model_id=MODEL), Lease)
            assert keeper.standings()[0].renewal_strikes == 0

    async def test_a_refused_token_that_was_replaced_meanwhile_is_tried_again(self, path):
        service = Service(account("a"))
        entry = service.accounts.accounts[0].credential()
        async with keeping(
            path, service, {**entry, "refreshToken": refresh_token("old")}, **NO_RENEWALS_AHEAD
        ) as keeper:

            async def owner():
                await trio.sleep(0.5)
                path.write_text(json.dumps([{**read_json(path)[0], **entry}]))

            async with trio.open_nursery() as nursery:
                nursery.start_soon(owner)
                lease = await keeper.lease(model_id=MODEL)
            assert isinstance(lease, Lease)

    async def test_a_suspended_account_is_recognised_when_it_is_renewed(self, path):
        service = Service(account("a"), latency=0.0)
        body = {"message": "Your User ID temporarily is suspended.", "reason": "TEMPORARILY_SUSPENDED"}
        service.instead["/refreshToken"] = [replace_body(refusal(403), body)]
        async with keeping(
            path, service, service.accounts.accounts[0].credential(), **NO_RENEWALS_AHEAD
        ) as keeper:
            assert (await keeper.lease(model_id=MODEL)).fault is Fault.SUSPENDED
            assert standing(keeper) is Standing.SUSPENDED

    async def test_idc_accounts_renew_through_the_proxy_of_their_own(self, path):
        service = Service(account("a", kind="idc"))
        entry = {
            **service.accounts.accounts[0].credential(),
            "proxyUrl": "socks5://p:1",
            "region": "eu-west-1",
        }
        async with keeping(path, service, entry) as keeper:
            assert isinstance(await keeper.lease(model_id=MODEL), Lease)
        assert service.calls == [("/token", Proxy("socks5", "p", 1))]

    async def test_what_a_failed_renewal_costs_is_booked_once(self, path):
        service = Service(account("a"), latency=0.0)
        async with keeping(path, service, service.accounts.accounts[0].credential()) as keeper:
            leases = [await keeper.lease(model_id=MODEL) for _ in range(5)]
            service.latency = 1.0
            service.instead["/refreshToken"] = [refusal(401)] * 5

            async def request(lease):
                failure = await keeper.renew(lease)
                keeper.settle(lease, failure, Penalty.RENEWAL_STRIKE)

            async with trio.open_nursery() as nursery:
                for lease in leases:
                    nursery.start_soon(request, lease)
            assert keeper.standings()[0].renewal_strikes == 1


def replace_body(answer, body):
    return type(answer)(answer.status, answer.headers, json.dumps(body).encode())


@patiently
class TestProfiles:
    async def test_an_organisations_profile_is_asked_for_once_and_stored(self, path):
        service = Service(account("a", kind="idc"))
        entry = service.accounts.accounts[0].credential()
        arn = entry.pop("profileArn")
        async with keeping(path, service, entry, concurrency=20) as keeper:
            leases = []

            async def request():
                leases.append(await keeper.lease(model_id=MODEL))

            async with trio.open_nursery() as nursery:
                for _ in range(10):
                    nursery.start_soon(request)
            assert {lease.profile_arn for lease in leases} == {arn}
        assert [name for name, _ in service.calls] == ["/token", "ListAvailableProfiles"]
        assert read_json(path)[0]["profileArn"] == arn

    async def test_a_builder_id_is_recognised_and_remembered(self, path):
        service = Service(account("a", kind="builder-id"))
        entry = service.accounts.accounts[0].credential()
        async with keeping(path, service, entry) as keeper:
            lease = await keeper.lease(model_id=MODEL)
            assert lease.profile_arn == Defaults().builder_id_arn
        assert "profileArn" not in read_json(path)[0]
        async with keeping(path, service) as keeper:
            assert (await keeper.lease(model_id=MODEL)).profile_arn == Defaults().builder_id_arn
        assert [name for name, _ in service.calls].count("ListAvailableProfiles") == 1

    async def test_without_an_answer_the_request_goes_without(self, path):
        service = Service(account("a", kind="idc"), latency=0.0)
        service.instead["ListAvailableProfiles"] = [Failure(Fault.CONNECT_FAILED)] * 2
        entry = service.accounts.accounts[0].credential()
        arn = entry.pop("profileArn")
        async with keeping(path, service, entry) as keeper:
            assert (await keeper.lease(model_id=MODEL)).profile_arn is None
            assert (await keeper.lease(model_id=MODEL)).profile_arn is None
            await trio.sleep(600)
            assert (await keeper.lease(model_id=MODEL)).profile_arn == arn

    async def test_the_other_form_is_tried_once_and_what_worked_is_remembered(self, path):
        async with keeping(path, Service(), fresh("a")) as keeper:
            lease = await keeper.lease(model_id=MODEL)
            other = keeper.rebind(lease)
            assert (other.profile_arn, other.ticket) == (None, lease.ticket)
            assert keeper.rebind(other) is None
            keeper.settle(other, None, Penalty.NONE)
            assert (await keeper.lease(model_id=MODEL)).profile_arn is None
            await trio.sleep(5)
        async with keeping(path, Service()) as keeper:
            lease = await keeper.lease(model_id=MODEL)
            assert lease.profile_arn is None
            back = keeper.rebind(lease)
            assert back.profile_arn == Defaults().social_arn

    async def test_what_worked_at_once_or_not_at_all_teaches_nothing(self, path):
        async with keeping(path, Service(), fresh("a")) as keeper:
            lease = await keeper.lease(model_id=MODEL)
            keeper.settle(keeper.rebind(lease), failed(Fault.PROFILE_REFUSED), Penalty.STRIKE)
            assert (await keeper.lease(model_id=MODEL)).profile_arn == Defaults().social_arn
            keeper.settle(lease, None, Penalty.NONE)
            assert (await keeper.lease(model_id=MODEL)).profile_arn == Defaults().social_arn

    @pytest.mark.parametrize("mode", list(ArnMode))
    async def test_the_owners_word_is_not_probed(self, path, mode):
        async with keeping(path, Service(), fresh("a", arnMode=mode.value)) as keeper:
            lease = await keeper.lease(model_id=MODEL)
            assert (lease.profile_arn is None) == (mode is ArnMode.WITHOUT)
            assert keeper.rebind(lease) is None

    async def test_a_refused_profile_is_looked_for_again(self, path):
        service = Service(account("a", kind="idc"), latency=0.0)
        entry = service.accounts.accounts[0].credential()
        arn = entry["profileArn"]
        wrong = "arn:aws:codewhisperer:eu-central-1:1:profile/WRONG"
        async with keeping(path, service, {**entry, "profileArn": wrong}) as keeper:
            lease = await keeper.lease(model_id=MODEL)
            assert lease.profile_arn == wrong
            keeper.settle(lease, failed(Fault.PROFILE_REFUSED), Penalty.STRIKE)
            await trio.sleep(1)
            assert (await keeper.lease(model_id=MODEL)).profile_arn == arn
        assert read_json(path)[0]["profileArn"] == arn


@patiently
class TestMemory:
    async def test_standings_and_counters_survive_a_restart(self, path):
        async with keeping(path, Service(account("a")), fresh("a"), fresh("b", priority=1)) as keeper:
            keeper.settle(await keeper.lease(model_id=MODEL), None, Penalty.NONE)
            keeper.settle(
                await keeper.lease(model_id=MODEL),
                failed(Fault.MONTHLY_QUOTA, reason="MONTHLY_REQUEST_COUNT"),
                Penalty.SPENT_THIS_MONTH,
            )
        async with keeping(path, Service(account("a"))) as keeper:
            first, second = keeper.standings()
            assert (first.standing, first.reason) == (Standing.SPENT_THIS_MONTH, "MONTHLY_REQUEST_COUNT")
            assert (first.successes, first.failures, first.disabled) == (1, 1, False)
            assert second.standing is Standing.READY
        assert "disabled" not in path.read_text()

    async def test_the_state_is_written_soon(self, path):
        async with keeping(path, Service(), fresh("a")) as keeper:
            await trio.sleep(10)
            keeper.settle(await keeper.lease(model_id=MODEL), failed(Fault.SUSPENDED), Penalty.SUSPENDED)
            await trio.sleep(3)
            state = path.with_name("credentials.state.json").read_text()
            assert "SUSPENDED" in state
            assert path.with_name("credentials.state.json").stat().st_mode & 0o777 == 0o600

    async def test_a_bug_while_looking_for_changes_does_not_end_the_gateway(self, path, monkeypatch):
        told = []
        monkeypatch.setattr(
            "kiro_trio.credentials.errands._LOG.exception", lambda *_, task: told.append(task)
        )
        async with keeping(path, Service(), fresh("a")) as keeper:
            with monkeypatch.context() as patch:
                patch.setattr(FileStore, "sync", lambda _self: 1 // 0)
                await trio.sleep(5)
            path.write_text(json.dumps([fresh("a", priority=9)]))
            await trio.sleep(5)
            assert keeper.standings()[0].priority == 9
        assert set(told) == {"looking for changes"}

    async def test_a_damaged_state_is_a_problem_and_not_the_end(self, path):
        path.with_name("credentials.state.json").write_text("{")
        async with keeping(path, Service(), fresh("a")) as keeper:
            assert isinstance(await keeper.lease(model_id=MODEL), Lease)
            assert "was damaged" in "".join(keeper.problems)
            await trio.sleep(5)
            assert keeper.problems == ()

    async def test_a_sign_in_while_we_were_away_wipes_the_slate(self, path):
        async with keeping(path, Service(), fresh("a")) as keeper:
            keeper.settle(await keeper.lease(model_id=MODEL), failed(Fault.SUSPENDED), Penalty.SUSPENDED)
        entry = {**read_json(path)[0], **fresh("new")}
        async with keeping(path, Service(), entry) as keeper:
            assert standing(keeper) is Standing.READY

    async def test_a_sign_in_while_we_run_wipes_the_slate(self, path):
        async with keeping(path, Service(), fresh("a")) as keeper:
            keeper.settle(await keeper.lease(model_id=MODEL), failed(Fault.SUSPENDED), Penalty.SUSPENDED)
            path.write_text(json.dumps([{**read_json(path)[0], **fresh("new")}]))
            await trio.sleep(3)
            assert (await keeper.lease(model_id=MODEL)).access_token == "aoa-new"

    async def test_two_processes_learn_from_each_other(self, path):
        async with keeping(path, Service(), fresh("a")) as keeper:
            other = await new_keeper(path, Service())
            async with trio.open_nursery() as nursery:
                await nursery.start(other.run)
                keeper.settle(await keeper.lease(model_id=MODEL), None, Penalty.NONE)
                other.settle(await other.lease(model_id=MODEL), None, Penalty.NONE)
                keeper.settle(await keeper.lease(model_id=MODEL), failed(Fault.SUSPENDED), Penalty.SUSPENDED)
                await trio.sleep(70)
                for one in (keeper, other):
                    [status] = one.standings()
                    assert (status.standing, status.successes) == (Standing.SUSPENDED, 2)
                nursery.cancel_scope.cancel()

    async def test_another_process_renewal_is_no_sign_in(self, path):
        service = Service(account("a"), latency=0.0)
        entry = service.accounts.accounts[0].credential()
        async with keeping(path, service, entry, watch_every=1e9, **NO_RENEWALS_AHEAD) as keeper:
            lease = await keeper.lease(model_id=MODEL)
            keeper.settle(lease, failed(Fault.DAILY_QUOTA, retry_after=9999), Penalty.SPENT_TODAY)
            await trio.sleep(5)
            other = await new_keeper(path, service)
            async with trio.open_nursery() as nursery:
                await nursery.start(other.run)
                assert standing(other) is Standing.SPENT_TODAY
                assert await other.owner.renew_now(1) is None
                nursery.cancel_scope.cancel()
            await trio.sleep(100)  # the state of the other is known by now, its token is not
            assert standing(keeper) is Standing.SPENT_TODAY
            assert await keeper.owner.renew_now(1) is None
            assert standing(keeper) is Standing.SPENT_TODAY
        assert service.renewals == 2

    async def test_another_process_renewal_while_we_start_is_no_sign_in(self, path):
        service = Service(account("a"), latency=0.0)
        path.write_text(json.dumps([service.accounts.accounts[0].credential()]))
        keeper = await new_keeper(path, service)
        async with keeping(path, service) as other:
            lease = await other.lease(model_id=MODEL)
            other.settle(lease, failed(Fault.DAILY_QUOTA, retry_after=9999), Penalty.SPENT_TODAY)
        async with trio.open_nursery() as nursery:
            await nursery.start(keeper.run)
            assert standing(keeper) is Standing.SPENT_TODAY
            nursery.cancel_scope.cancel()

    async def test_the_end_of_a_spent_month_is_asked_for(self, path):
        service = Service(account("a", plan="KIRO PRO+"), latency=0.0)
        async with keeping(path, service, service.accounts.accounts[0].credential()) as keeper:
            keeper.settle(
                await keeper.lease(model_id=MODEL), failed(Fault.MONTHLY_QUOTA), Penalty.SPENT_THIS_MONTH
            )
            await trio.sleep(1)
            [status] = keeper.standings()
            assert (status.until, status.resets_at) == (service.reset, service.reset)
            assert status.subscription_title == "KIRO PRO+"
            await trio.sleep(600)
            assert isinstance(await keeper.lease(model_id=MODEL), Lease)


@patiently
class TestOwner:
    async def test_an_account_is_added_used_and_removed(self, path):
        service = Service(account("a"), account("b"))
        first, second = (one.credential() for one in service.accounts.accounts)
        async with keeping(path, service, first) as keeper:
            assert await keeper.owner.add(second) == 2
            with pytest.raises(DuplicateCredential):
                await keeper.owner.add(second)
            with pytest.raises(InvalidEntry, match="`region` is not a region"):
                await keeper.owner.add(social("c", region="?"))
            await keeper.owner.remove(1)
            assert (await keeper.lease(model_id=MODEL)).credential_id == 2
            with pytest.raises(KeyError):
                await keeper.owner.remove(1)
        assert [entry["id"] for entry in read_json(path)] == [2]

    async def test_off_and_on(self, path):
        async with keeping(path, Service(), fresh("a")) as keeper:
            await keeper.owner.disable(1)
            assert standing(keeper) is Standing.DISABLED
            assert read_json(path)[0]["disabled"] is True
            await keeper.owner.enable(1)
            assert (standing(keeper), "disabled" in read_json(path)[0]) == (Standing.READY, False)

    async def test_an_edit_may_mend_but_not_break(self, path):
        async with keeping(path, Service(), fresh("a", region="?", endpoint="?")) as keeper:
            assert standing(keeper) is Standing.MISCONFIGURED
            assert any("entry 1 (id 1): `region` is not a region" in problem for problem in keeper.problems)
            with pytest.raises(InvalidEntry):
                await keeper.owner.edit(1, {"priority": "high"})
            with pytest.raises(InvalidEntry):
                await keeper.owner.edit(1, {"id": 5})
            await keeper.owner.edit(1, {"region": "eu-west-1"})
            assert standing(keeper) is Standing.MISCONFIGURED
            await keeper.owner.edit(1, {"endpoint": None})
            assert (standing(keeper), keeper.problems) == (Standing.READY, ())

    async def test_an_outside_edit_is_noticed(self, path):
        async with keeping(path, Service(), fresh("a")) as keeper:
            path.write_text(json.dumps([*read_json(path), fresh("b")]))
            await trio.sleep(3)
            assert [status.id for status in keeper.standings()] == [1, 2]
            path.write_text(json.dumps([{**read_json(path)[0], "disabled": True}, read_json(path)[1]]))
            await trio.sleep(3)
            assert (await keeper.lease(model_id=MODEL)).credential_id == 2

    async def test_renew_now_and_usage(self, path):
        service = Service(account("a", plan="KIRO POWER"))
        async with keeping(path, service, service.accounts.accounts[0].credential()) as keeper:
            await trio.sleep(5)
            assert await keeper.owner.renew_now(1) is None
            assert service.renewals == 2
            usage = await keeper.owner.usage(1)
            assert usage.title == read_json(path)[0]["subscriptionTitle"] == "KIRO POWER"
            with pytest.raises(KeyError):
                await keeper.owner.usage(9)

    async def test_the_order_can_be_changed_while_we_run(self, path):
        async with keeping(path, Service(), fresh("a"), fresh("b")) as keeper:
            assert {(await keeper.lease(model_id=MODEL)).credential_id for _ in range(4)} == {1}
            keeper.owner.set_order("balanced")
            assert {(await keeper.lease(model_id=MODEL)).credential_id for _ in range(4)} == {2}
            with pytest.raises(KeyError):
                keeper.owner.set_order("random")

    async def test_a_removed_account_does_not_trouble_who_still_has_it(self, path):
        async with keeping(path, Service(account("a")), fresh("a"), fresh("b")) as keeper:
            lease = await keeper.lease(model_id=MODEL)
            await keeper.owner.remove(1)
            assert (await keeper.renew(lease)).fault is Fault.NO_CREDENTIAL
            assert keeper.rebind(lease) is None
            keeper.settle(lease, failed(Fault.SUSPENDED), Penalty.SUSPENDED)


@patiently
async def test_after_the_end_there_is_no_renewal(path):
    service = Service(account("a"))
    path.write_text(json.dumps([service.accounts.accounts[0].credential()]))
    keeper = await new_keeper(path, service)
    told = await keeper.lease(model_id=MODEL)
    assert told.fault is Fault.SHUTTING_DOWN
    assert response({}).status == 200
    assert idc("x")["authMethod"] == "idc"
