"""Examining one account: its token, every endpoint with and without its profile, what is left, and one short answer."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

import trio

from kiro_trio.cli.findings import Finding, Report, Verdict, of_failure
from kiro_trio.cli.words import credits_left, until
from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.conversation.prompt import Prompt, Text, Turn
from kiro_trio.conversation.reply import ReplyEvent
from kiro_trio.credentials.account import Account
from kiro_trio.credentials.calls import SmallResponse, caller_of, machine_of
from kiro_trio.credentials.credential import (
    Lease,
    api_region,
    auth_region,
    effective_endpoint,
    effective_proxy,
)
from kiro_trio.credentials.custody import Custody
from kiro_trio.credentials.discoveries import arn_of, arn_to_send
from kiro_trio.credentials.login.verification import verify
from kiro_trio.credentials.renewals import Renewals
from kiro_trio.credentials.standing import Standing
from kiro_trio.kiro.catalog import Catalog
from kiro_trio.kiro.endpoint import models_call
from kiro_trio.kiro.faults import classify
from kiro_trio.kiro.identity import conversation_ids
from kiro_trio.kiro.request import KiroRequest, build_request
from kiro_trio.upstream.attempt import Attempts

_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Examiner:
    """What it takes to examine accounts. `keeps`: renewed tokens can be stored; `asks`: the model that is asked, "" for none."""

    custody: Custody
    renewals: Renewals
    attempts: Attempts
    catalog: Catalog
    keeps: bool
    asks: str

    async def examine(self, account: Account, report: Report) -> None:
        """Report one finding after another; what a bad one makes pointless is left out."""
        standing, end = account.stands(self.custody.clock())
        if standing in {Standing.MISCONFIGURED, Standing.DISABLED}:
            report(Finding("account", Verdict.SKIPPED, standing.value, "", account.id))
            return
        if standing is not Standing.READY:
            back = "" if end is None else f"; back in {until(end, self.custody.clock())}"
            said = f"the gateway does not use it: {standing.value}{back}"
            report(Finding("account", Verdict.NOTE, said, "", account.id))
        token = await self._token(account)
        report(token)
        if token.verdict is Verdict.BAD:
            return
        usage = await self._usage(account)
        report(usage)
        for finding in await self._endpoints(account):
            report(finding)
        if self.asks and usage.verdict is not Verdict.BAD:
            report(await self._ask(account))

    async def _token(self, account: Account) -> Finding:
        credential, now = account.credential, self.custody.clock()
        if credential.api_key:
            return Finding("token", Verdict.GOOD, "is an API key, and needs no renewal", "", account.id)
        if not credential.usable(now, account.margin) and not self.keeps:
            said = "must be renewed, which was not tried: the new one could not be kept, and the account would be lost"
            return Finding("token", Verdict.BAD, said, "mend the store first", account.id)
        failure = await self.renewals.fresh(account)
        if failure is not None:
            return of_failure("token", failure, account.id)
        renewed = self._now(account)
        how = "was renewed" if renewed.credential.access_token != credential.access_token else "is good"
        left = until(renewed.credential.expires_at or now, self.custody.clock())
        return Finding("token", Verdict.GOOD, f"{how}, for {left}", "", account.id)

    async def _usage(self, account: Account) -> Finding:
        """What is left; on the way, an organisation's profile is found."""
        account = self._now(account)
        custody = self.custody
        found = await verify(account.credential, custody.defaults, custody.wire, custody.calls)
        if found.profile_arn and self.keeps:
            await custody.save(account.id, {"profileArn": found.profile_arn})
        if found.failure is not None:
            return of_failure("usage", found.failure, account.id)
        if found.usage is None or found.problem:
            return Finding("usage", Verdict.BAD, found.problem, "", account.id)
        said = f"{found.usage.title or 'unknown plan'}, {credits_left(found.usage)}"
        if found.usage.remaining <= 0:
            return Finding(
                "usage", Verdict.NOTE, said, "wait until they come back, or add another account", account.id
            )
        return Finding("usage", Verdict.GOOD, said, "", account.id)

    async def _endpoints(self, account: Account) -> list[Finding]:
        """Every endpoint with and without the profile. Only those of the account's own endpoint may be bad."""
        account = self._now(account)
        arn = arn_of(account, self.custody)
        mine = effective_endpoint(account.credential, self.custody.defaults)
        forms = [("with profile", arn), ("without profile", "")] if arn else [("without profile", "")]
        found: list[Finding] = []
        answers: dict[str, list[Failure | None]] = {}
        for name in sorted(self.custody.wire.presets, key=lambda name: name != mine):
            for words, form in forms:
                failure, said = await self._models(account, name, form)
                answers.setdefault(name, []).append(failure)
                verdict = Verdict.GOOD if failure is None else Verdict.NOTE
                where = f"{name}{' (the one in use)' if name == mine else ''}, {words}: "
                if failure is not None:
                    said = of_failure("", failure).said
                found.append(Finding("endpoint", verdict, where + said, "", account.id))
        wrong = answers[mine]
        if any(failure is None for failure in wrong):
            return found
        first = of_failure("endpoint", wrong[0] or Failure(Fault.INTERNAL), account.id)
        other = next((name for name, results in answers.items() if None in results), "")
        advice = f'"endpoint": "{other}" in the account\'s entry works' if other else first.advice
        bad = replace(found[0], verdict=Verdict.BAD, advice=advice)
        return [bad, *found[1:]]

    async def _models(self, account: Account, endpoint: str, arn: str) -> tuple[Failure | None, str]:
        custody = self.custody
        caller = caller_of(account.credential, custody.defaults, custody.wire, profile_arn=arn or None)
        call = models_call(custody.wire.presets[endpoint], caller, str(uuid4()), custody.wire.base)
        answer = await custody.calls.send(call, effective_proxy(account.credential, custody.defaults))
        if not isinstance(answer, SmallResponse):
            return answer, ""
        if answer.status != 200:  # noqa: PLR2004
            return classify(answer.status, answer.headers, answer.body), ""
        more = len(Catalog(models={}).enriched(answer.body).models)
        return None, f"{more} models"

    async def _ask(self, account: Account) -> Finding:
        """One answer of one token, as the gateway asks for it: with the profile, and without if Kiro wants that."""
        account = self._now(account)
        request = _shortest(self.asks, self.catalog)
        lease = self._lease(account, request.model_id)
        began = trio.current_time()
        failure = await self._attempt(request, lease)
        if (
            failure is not None
            and failure.fault is Fault.PROFILE_REFUSED
            and account.credential.arn_mode is None
        ):
            other = None if lease.profile_arn else arn_of(account, self.custody) or None
            if other != lease.profile_arn:
                failure = await self._attempt(request, replace(lease, profile_arn=other))
        if failure is not None:
            found = of_failure("answer", failure, account.id)
            return replace(found, said=f"{request.model_id}: {found.said}")
        took = trio.current_time() - began
        return Finding(
            "answer", Verdict.GOOD, f"{request.model_id} answered after {took:.1f} s", "", account.id
        )

    async def _attempt(self, request: KiroRequest, lease: Lease) -> Failure | None:
        async def drop(_events: Sequence[ReplyEvent]) -> None:
            await trio.lowlevel.checkpoint()

        return (await self.attempts(request, lease, drop, _PATIENCE)).failure

    def _lease(self, account: Account, model_id: str) -> Lease:
        credential, defaults = account.credential, self.custody.defaults
        return Lease(
            credential_id=account.id,
            access_token=credential.bearer,
            api_key=credential.api_key,
            api_region=api_region(credential, defaults),
            auth_region=auth_region(credential, defaults),
            endpoint=effective_endpoint(credential, defaults),
            profile_arn=arn_to_send(account, self.custody),
            machine_id=machine_of(credential, defaults),
            proxy=effective_proxy(credential, defaults),
            model_id=model_id,
        )

    def _now(self, account: Account) -> Account:
        """The account as it is by now: a renewal has given it another credential."""
        return self.custody.account(account.id) or account


def _shortest(model: str, catalog: Catalog) -> KiroRequest:
    ids = conversation_ids("", "doctor", secrets.token_hex(16))
    return build_request(
        Prompt(model=model, turns=(Turn("user", (Text("Say OK."),)),), max_tokens=1),
        conversation_id=ids.conversation_id,
        continuation_id=ids.continuation_id,
        catalog=catalog,
    )
