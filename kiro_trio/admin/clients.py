"""The keys of the gateway's clients."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kiro_trio.admin.masks import masked, moment
from kiro_trio.admin.problems import Kind, Problem, invalid
from kiro_trio.admin.routes import Asked
from kiro_trio.admin.shapes import Shape, Strict, Success
from kiro_trio.gateway.clients import DEFAULT, ClientKey, Clients, KeysNotWritten, NameTaken
from kiro_trio.telemetry import register_secret

PerMinute = Annotated[int, Meta(ge=1, le=100_000)]
PerMonth = Annotated[float, Meta(ge=0, le=1e12)]


class NewKey(Strict):
    """A key to be made. `name` is the client's in logs, metrics and usage; limits may be left out."""

    name: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}\Z")]
    per_minute: PerMinute | None = None
    credits_per_month: PerMonth | None = None


class EditedKey(Strict):
    """Other limits; null takes one away."""

    per_minute: PerMinute | UnsetType | None = UNSET
    credits_per_month: PerMonth | UnsetType | None = UNSET


class Key(Shape):
    """A client's key. `from_config`: it is the one of the configuration and is changed there."""

    id: str
    name: str
    mask: str | None
    created_at: str | None
    last_used_at: str | None
    per_minute: int | None
    credits_per_month: float | None
    credits_this_month: float
    from_config: bool = False


class Keys(Shape):
    """All keys. `required` is false when anybody may use the gateway."""

    required: bool
    keys: list[Key]


class MadeKey(Shape):
    """A new key; `secret` is shown this once and kept nowhere."""

    key: Key
    secret: str


async def list_keys(asked: Asked) -> Keys:
    """All client keys."""
    books, settings = asked.place.gateway.books, asked.place.gateway.settings
    used = await books.history.last_used()
    configured = [
        Key(
            id=DEFAULT,
            name=DEFAULT,
            mask=masked(settings.api_key),
            created_at=None,
            last_used_at=moment(used.get(DEFAULT)),
            per_minute=None,
            credits_per_month=None,
            credits_this_month=books.clients.limits.spent(DEFAULT),
            from_config=True,
        )
    ]
    return Keys(
        required=books.clients.required,
        keys=[
            *(configured if settings.api_key else []),
            *(_shown(key, books.clients, used.get(key.name)) for key in books.clients.keys),
        ],
    )


async def make_key(asked: Asked) -> MadeKey:
    """Make a key for a client."""
    clients, new = asked.place.gateway.books.clients, asked.body
    try:
        key, secret = await clients.create(
            new.name, per_minute=new.per_minute, credits_per_month=new.credits_per_month
        )
    except NameTaken:
        raise invalid("there is a key of that name already") from None
    except KeysNotWritten as error:
        raise _not_written(error) from None
    register_secret(secret)
    return MadeKey(key=_shown(key, clients, None), secret=secret)


async def edit_key(asked: Asked) -> Key:
    """Change the limits of a key."""
    books = asked.place.gateway.books
    try:
        key = await books.clients.edit(asked.ids["key"], _given(asked.body))
    except KeyError:
        raise _no_key(asked) from None
    except KeysNotWritten as error:
        raise _not_written(error) from None
    return _shown(key, books.clients, (await books.history.last_used()).get(key.name))


async def revoke_key(asked: Asked) -> Success:
    """Forget a key: from now on it opens nothing."""
    try:
        await asked.place.gateway.books.clients.revoke(asked.ids["key"])
    except KeyError:
        raise _no_key(asked) from None
    except KeysNotWritten as error:
        raise _not_written(error) from None
    return Success(message=f"key {asked.ids['key']} revoked")


def _given(edited: EditedKey) -> dict[str, float | int | None]:
    values = msgspec.structs.asdict(edited)
    return {name: value for name, value in values.items() if value is not UNSET}


def _shown(key: ClientKey, clients: Clients, used: float | None) -> Key:
    return Key(
        id=key.id,
        name=key.name,
        mask=key.mask,
        created_at=moment(key.created_at),
        last_used_at=moment(used),
        per_minute=key.per_minute,
        credits_per_month=key.credits_per_month,
        credits_this_month=clients.limits.spent(key.name),
    )


def _no_key(asked: Asked) -> Problem:
    if asked.ids["key"] == DEFAULT:
        return invalid("the key of the configuration is changed there (apiKey)")
    return Problem(Kind.NOT_FOUND, f"key {asked.ids['key']} does not exist")


def _not_written(error: KeysNotWritten) -> Problem:
    return Problem(Kind.INTERNAL, f"the keys cannot be stored: {error}")
