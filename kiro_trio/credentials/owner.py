"""What the owner of the accounts may do with them: an administration page or command sits on top of this."""

from collections.abc import Mapping
from typing import Any

from kiro_trio.conversation.faults import Failure
from kiro_trio.credentials.account import Account
from kiro_trio.credentials.custody import ENVIRONMENT_ID, Custody
from kiro_trio.credentials.discoveries import Discoveries
from kiro_trio.credentials.renewals import Renewals
from kiro_trio.kiro.usage import UsageLimits


class Owner:
    """The owner's hands. What is changed here is in the store, or an exception says why it is not."""

    def __init__(self, custody: Custody, renewals: Renewals, discoveries: Discoveries) -> None:
        self._custody = custody
        self._renewals = renewals
        self._discoveries = discoveries

    async def add(self, entry: Mapping[str, Any]) -> int:
        """Add an account and return its id.

        Raises:
            InvalidEntry: the entry cannot be used; the message names the keys.
            DuplicateCredential: the account is there already.
            NotWritten: it could not be stored, and was not added.
        """
        credential_id = await self._custody.store.add(dict(entry))
        self._custody.muster()
        return credential_id

    async def edit(self, credential_id: int, changes: Mapping[str, Any]) -> None:
        """Change keys of an account's entry, None takes one away. A new token or key wipes its slate.

        Raises:
            InvalidEntry: the entry could not be used afterwards; the message names the keys.
            NotWritten: it could not be stored, and nothing was changed.
            KeyError: there is no such account in the store (the one of the environment is not).
        """
        await self._custody.store.edit(credential_id, changes)
        self._custody.muster()

    async def remove(self, credential_id: int) -> None:
        """Forget an account; requests that have it may finish.

        Raises:
            NotWritten: it could not be stored, and nothing was changed.
            KeyError: there is no such account in the store.
        """
        await self._custody.store.remove(credential_id)
        self._custody.muster()

    async def disable(self, credential_id: int) -> None:
        """Switch an account off, as an owner does; raises as `edit`."""
        await self.edit(credential_id, {"disabled": True})

    async def enable(self, credential_id: int) -> None:
        """Switch an account on and wipe its slate; raises as `edit`."""
        if credential_id != ENVIRONMENT_ID:
            await self.edit(credential_id, {"disabled": None})
        self.reset(credential_id)

    def reset(self, credential_id: int) -> None:
        """Wipe an account's slate: it is ready again, whatever it was out for; raises KeyError if there is none."""
        self._account(credential_id).reset()
        self._custody.touch()

    async def reload(self) -> None:
        """Take in at once what others changed in the store."""
        await self._custody.sync()

    def set_order(self, order: str) -> None:
        """Take accounts by another of `roster.ORDERS`; raises KeyError if there is no such order."""
        self._custody.roster.set_order(order)

    async def renew_now(self, credential_id: int) -> Failure | None:
        """Renew an account's token whether it needs it or not; None for success. Raises KeyError if there is none."""
        return await self._renewals.forced(
            credential_id, stale=self._account(credential_id).credential.access_token
        )

    async def usage(self, credential_id: int) -> UsageLimits | Failure:
        """Ask Kiro what an account has left. Raises KeyError if there is no such account."""
        account = self._account(credential_id)
        failure = await self._renewals.fresh(account)
        return failure if failure is not None else await self._discoveries.usage(account)

    def _account(self, credential_id: int) -> Account:
        account = self._custody.account(credential_id)
        if account is None:
            raise KeyError(credential_id)
        return account
