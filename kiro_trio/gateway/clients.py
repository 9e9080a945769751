"""The clients of the gateway: whose key is whose, and how much each may ask for.

The key of the configuration is the client `default` and has no limits. Further keys are made by the owner; of those
only digests are kept, in a file beside the credentials, and each may have a limit per minute and one per month.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from secrets import token_hex, token_urlsafe

import msgspec
import trio

from kiro_trio.credentials.atomic import locked, replace_file
from kiro_trio.gateway.history import History
from kiro_trio.gateway.keys import Digest, digest_key, find_key
from kiro_trio.gateway.limits import Limits, Refusal
from kiro_trio.telemetry import get_logger

DEFAULT = "default"
"""The client whose key stands in the configuration."""

ANYBODY = "anybody"
"""The client of a gateway that asks for no key."""

MOST_KEYS = 1000

_KEY_BYTES = 24
_LOOK_EVERY = 5.0
_RECOUNT_EVERY = 60.0

_LOG = get_logger("gateway")


class ClientKey(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A key as it is kept. `mask` shows its ends, `created_at` is epoch seconds, limits are None for no limit."""

    id: str
    name: str
    digest: str
    mask: str
    created_at: float
    per_minute: int | None = None
    credits_per_month: float | None = None


class _File(msgspec.Struct):
    version: int = 1
    keys: list[ClientKey] = []


class KeysNotWritten(Exception):
    """A change of the keys is not in their file, and nothing has changed; the message says why."""


class NameTaken(Exception):
    """There is a client of that name already."""


class Clients:
    """All keys. Await `open` first; `run` follows changes that other processes make.

    Args:
        path: The file of the named keys.
        configured: The key of the configuration, "" for none.
        history: Knows what was used before.
        clock: Gives epoch seconds.
    """

    def __init__(self, path: Path, configured: str, history: History, clock: Callable[[], float]) -> None:
        self.path = path
        self.problem = ""
        self.limits = Limits(history, clock)
        self._clock = clock
        self._configured: Digest | None = None
        self._keys: dict[str, ClientKey] = {}
        self._digests: dict[str, Digest] = {}
        self._stamp: tuple[int, int] | None = None
        self.configure(configured)

    @property
    def required(self) -> bool:
        """Whether a key is asked for at all; also while we cannot know whether there are any."""
        return bool(self._digests or self.problem)

    @property
    def keys(self) -> list[ClientKey]:
        """All named keys, the oldest first."""
        return list(self._keys.values())

    def configure(self, key: str) -> None:
        """Take another key as the one of the configuration."""
        self._configured = digest_key(key) if key else None
        self._index()

    def find(self, presented: list[str]) -> str | None:
        """The name of the client whose key is among these."""
        return find_key(presented, self._digests) if self.required else ANYBODY

    async def admit(self, name: str) -> Refusal | None:
        """Let a client ask once more, or say why not. Who was let in must `leave`; cancelled, nobody was."""
        key = self._keys.get(name)
        if key is None:
            return await self.limits.enter(name, None, None)
        return await self.limits.enter(name, key.per_minute, key.credits_per_month)

    def leave(self, name: str) -> None:
        """A request that was let in is over, however it ended."""
        self.limits.leave(name)

    async def open(self) -> None:
        """Read the file for the first time."""
        await trio.to_thread.run_sync(self._read)
        self._index()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Follow the file and the month's credits for ever; begun when what was used before is known."""
        await self.limits.recount()
        task_status.started()
        counted = trio.current_time()
        while True:
            await trio.sleep(_LOOK_EVERY)
            if self._stat() != self._stamp:
                await self.open()
            limited = any(key.credits_per_month is not None for key in self._keys.values())
            if limited or trio.current_time() >= counted + _RECOUNT_EVERY:
                await self.limits.recount()
                counted = trio.current_time()

    async def create(
        self, name: str, *, per_minute: int | None = None, credits_per_month: float | None = None
    ) -> tuple[ClientKey, str]:
        """Make a key; the second of the pair is the key itself, which is nowhere kept.

        Raises:
            NameTaken: there is such a client.
            KeysNotWritten: it could not be kept, and there is no such key.
        """
        secret = f"sk-kiro-trio-{token_urlsafe(_KEY_BYTES)}"
        key = ClientKey(
            id=f"key_{token_hex(6)}",
            name=name,
            digest=hashlib.sha256(secret.encode()).hexdigest(),
            mask=f"{secret[:16]}...{secret[-4:]}",
            created_at=self._clock(),
            per_minute=per_minute,
            credits_per_month=credits_per_month,
        )

        def add(keys: dict[str, ClientKey]) -> None:
            if name in keys or name in {DEFAULT, ANYBODY}:
                raise NameTaken(name)
            if len(keys) >= MOST_KEYS:
                raise KeysNotWritten(f"there are {MOST_KEYS} keys already")
            keys[name] = key

        await self._change(add)
        return key, secret

    async def edit(self, key_id: str, changes: Mapping[str, float | int | None]) -> ClientKey:
        """Change the limits of a key; raises KeyError for an unknown id, and KeysNotWritten."""

        def change(keys: dict[str, ClientKey]) -> None:
            name = _name_of(keys, key_id)
            keys[name] = msgspec.structs.replace(keys[name], **changes)

        await self._change(change)
        return self._keys[_name_of(self._keys, key_id)]

    async def revoke(self, key_id: str) -> None:
        """Forget a key; raises KeyError for an unknown id, and KeysNotWritten."""

        def forget(keys: dict[str, ClientKey]) -> None:
            del keys[_name_of(keys, key_id)]

        await self._change(forget)

    async def _change(self, change: Callable[[dict[str, ClientKey]], None]) -> None:
        await trio.to_thread.run_sync(self._change_file, change)
        self._index()

    def _change_file(self, change: Callable[[dict[str, ClientKey]], None]) -> None:
        try:
            with locked(self.path):
                self._read()
                if self.problem:
                    raise KeysNotWritten(self.problem)
                keys = dict(self._keys)
                change(keys)
                content = msgspec.json.format(msgspec.json.encode(_File(keys=list(keys.values()))), indent=2)
                written = replace_file(self.path, content + b"\n").stat
                self._stamp = written.st_mtime_ns, written.st_ino
        except OSError as error:
            raise KeysNotWritten(f"{self.path}: {error.strerror or error}") from error
        self._keys = keys

    def _read(self) -> None:
        """Read the file; one that cannot be read changes nothing: no key that was good stops being so."""
        self._stamp = self._stat()
        try:
            found = msgspec.json.decode(self.path.read_bytes(), type=_File).keys
            for key in found:
                bytes.fromhex(key.digest)
        except FileNotFoundError:
            found = []
        except (OSError, msgspec.MsgspecError, ValueError) as error:
            problem = f"{self.path}: {getattr(error, 'strerror', None) or 'is damaged'}"
            if problem != self.problem:
                _LOG.error("client keys cannot be read", problem=problem)
            self.problem = problem
            return
        self.problem = ""
        self._keys = {key.name: key for key in found}

    def _stat(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino

    def _index(self) -> None:
        digests = {name: bytes.fromhex(key.digest) for name, key in self._keys.items()}
        self._digests = {DEFAULT: self._configured, **digests} if self._configured else digests


def _name_of(keys: Mapping[str, ClientKey], key_id: str) -> str:
    for name, key in keys.items():
        if key.id == key_id:
            return name
    raise KeyError(key_id)
