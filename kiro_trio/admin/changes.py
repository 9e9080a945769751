"""What the owner does to accounts: add, edit, switch, renew, remove."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

import msgspec
import trio
from msgspec import UNSET, Meta, UnsetType

from kiro_trio.admin.accounts import REASONS
from kiro_trio.admin.problems import Kind, Problem, failed, invalid, no_account
from kiro_trio.admin.routes import Asked
from kiro_trio.admin.shapes import Added, Priority, Shape, Strict, Success
from kiro_trio.credentials.custody import ENVIRONMENT_ID
from kiro_trio.credentials.entry import InvalidEntry
from kiro_trio.credentials.file import NotWritten
from kiro_trio.credentials.ledger import DuplicateCredential
from kiro_trio.credentials.standing import Standing
from kiro_trio.gateway.gateway import Gateway

# Kiro is asked what plan a new account has; whoever adds it waits so long for that and no longer.
_PLAN_PATIENCE = 10.0
_ROLL_BACK = 10.0

Text = Annotated[str, Meta(max_length=20_000)]
Perhaps = Text | UnsetType | None


class NewCredential(Shape):
    """An account to be added, as kiro.rs takes it."""

    refresh_token: Text | None = None
    auth_method: Text | None = None
    client_id: Text | None = None
    client_secret: Text | None = None
    priority: Priority = 0
    region: Text | None = None
    auth_region: Text | None = None
    api_region: Text | None = None
    machine_id: Text | None = None
    email: Text | None = None
    proxy_url: Text | None = None
    proxy_username: Text | None = None
    proxy_password: Text | None = None
    kiro_api_key: Text | None = None
    endpoint: Text | None = None


class EditedCredential(Strict):
    """Changes of an account; null takes a value away, what is not there stays."""

    email: Perhaps = UNSET
    priority: Priority | UnsetType | None = UNSET
    concurrency: Annotated[int, Meta(ge=1, le=10_000)] | UnsetType | None = UNSET
    region: Perhaps = UNSET
    auth_region: Perhaps = UNSET
    api_region: Perhaps = UNSET
    endpoint: Perhaps = UNSET
    machine_id: Perhaps = UNSET
    proxy_url: Perhaps = UNSET
    proxy_username: Perhaps = UNSET
    proxy_password: Perhaps = UNSET


class Switch(Shape):
    """Whether an account is switched off."""

    disabled: bool


class NewPriority(Shape):
    """A priority; the lowest number goes first."""

    priority: Priority


async def add_credential(asked: Asked) -> Added:
    """Add an account; one that is renewed by token must prove that it can be."""
    gateway = asked.place.gateway
    credential_id = await admit(gateway, entry_of(asked.body))
    with trio.move_on_after(_PLAN_PATIENCE):
        await gateway.books.balances.get(credential_id)
    credential = gateway.store.credentials.get(credential_id)
    email = credential.email if credential and credential.email else UNSET
    return Added(message=f"credential {credential_id} added", credential_id=credential_id, email=email)


async def edit_credential(asked: Asked) -> Success:
    """Change regions, proxy, endpoint, priority, e-mail or concurrency of an account."""
    changes = msgspec.to_builtins(asked.body)
    if not changes:
        raise invalid("there is nothing to change")
    async with _changing(asked):
        await asked.place.gateway.keeper.owner.edit(asked.credential_id, changes)
    return Success(message=f"credential {asked.credential_id} changed: {', '.join(changes)}")


async def switch_credential(asked: Asked) -> Success:
    """Switch an account off, or on again with a clean slate."""
    owner = asked.place.gateway.keeper.owner
    async with _changing(asked):
        if asked.body.disabled:
            await owner.disable(asked.credential_id)
        else:
            await owner.enable(asked.credential_id)
    return Success(
        message=f"credential {asked.credential_id} {'disabled' if asked.body.disabled else 'enabled'}"
    )


async def prioritise_credential(asked: Asked) -> Success:
    """Give an account another priority."""
    async with _changing(asked):
        await asked.place.gateway.keeper.owner.edit(asked.credential_id, {"priority": asked.body.priority})
    return Success(message=f"credential {asked.credential_id} has priority {asked.body.priority}")


async def reset_credential(asked: Asked) -> Success:
    """Wipe an account's slate and switch it on."""
    gateway = asked.place.gateway
    if _standing(gateway, asked.credential_id) is Standing.MISCONFIGURED:
        raise invalid("the entry itself cannot be used; edit it, a reset does not help")
    async with _changing(asked):
        await gateway.keeper.owner.enable(asked.credential_id)
    return Success(message=f"credential {asked.credential_id} reset")


async def renew_credential(asked: Asked) -> Success:
    """Renew an account's token now."""
    gateway = asked.place.gateway
    credential = gateway.store.credentials.get(asked.credential_id)
    _standing(gateway, asked.credential_id)
    if credential is None or credential.api_key:
        raise invalid("an API key has no token to renew")
    if credential.flaw:
        raise invalid(credential.flaw)
    failure = await gateway.keeper.owner.renew_now(asked.credential_id)
    if failure is not None:
        raise failed(failure)
    return Success(message=f"the token of credential {asked.credential_id} was renewed")


async def remove_credential(asked: Asked) -> Success:
    """Forget an account that is out or switched off."""
    gateway = asked.place.gateway
    if _standing(gateway, asked.credential_id) not in REASONS:
        raise invalid("only a disabled credential can be removed; disable it first")
    async with _changing(asked):
        await gateway.keeper.owner.remove(asked.credential_id)
    gateway.books.balances.forget(asked.credential_id)
    return Success(message=f"credential {asked.credential_id} removed")


def entry_of(new: NewCredential) -> dict[str, Any]:
    """A new account as its entry in the file: only what was given."""
    return {
        key: value
        for key, value in msgspec.to_builtins(new).items()
        if value not in (None, "") and (key, value) != ("priority", 0)
    }


async def admit(gateway: Gateway, entry: Mapping[str, Any], *, verify: bool = True) -> int:
    """Add an account and return its id. It takes no request before its token has been renewed once.

    When cancelled, or when it cannot be renewed, it is not there afterwards.

    Raises:
        Problem: it cannot be used, is there already, cannot be renewed, or cannot be stored.
    """
    owner = gateway.keeper.owner
    async with _storing():
        credential_id = await owner.add({**entry, "disabled": True})
    verified = False
    try:
        credential = gateway.store.credentials.get(credential_id)
        if verify and credential is not None and not credential.api_key:
            failure = await owner.renew_now(credential_id)
            if failure is not None:
                raise failed(failure)
        async with _storing():
            await (owner.disable if entry.get("disabled") else owner.enable)(credential_id)
        verified = True
    finally:
        if not verified:
            with trio.move_on_after(_ROLL_BACK, shield=True):
                await owner.remove(credential_id)
    return credential_id


def _standing(gateway: Gateway, credential_id: int) -> Standing:
    for status in gateway.keeper.standings():
        if status.id == credential_id:
            return status.standing
    raise no_account(credential_id)


@asynccontextmanager
async def _changing(asked: Asked) -> AsyncIterator[None]:
    """Let a change of an account in the store fail as it should."""
    credential_id = asked.credential_id
    async with _storing():
        try:
            yield
        except KeyError:
            if credential_id == ENVIRONMENT_ID and asked.place.gateway.settings.kiro_api_key:
                raise invalid("the account of KIRO_API_KEY can only be changed where it is set") from None
            raise no_account(credential_id) from None


@asynccontextmanager
async def _storing() -> AsyncIterator[None]:
    try:
        yield
    except (InvalidEntry, DuplicateCredential) as error:
        raise invalid(str(error)) from None
    except NotWritten as error:
        raise Problem(Kind.INTERNAL, f"the accounts cannot be stored: {error}") from None
