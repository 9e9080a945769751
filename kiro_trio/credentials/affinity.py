"""Which account a conversation was with last: the upstream caches prompts per account. Bounded, and only a wish. Pure."""

from collections import OrderedDict


class Affinity:
    """Remembers up to `size` sessions, each for `ttl` seconds after its last use."""

    def __init__(self, size: int = 4096, ttl: float = 1800.0) -> None:
        self._size = size
        self._ttl = ttl
        self._bonds: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._bonds)

    def of(self, session: str, now: float) -> int | None:
        """The account of the session, if it has one and has not been away for too long."""
        bond = self._bonds.get(session)
        return bond[0] if bond is not None and now - bond[1] <= self._ttl else None

    def bind(self, session: str, credential_id: int, now: float) -> None:
        """The session is with this account now; a request without a session (an empty one) has no bond."""
        if not session:
            return
        self._bonds[session] = (credential_id, now)
        self._bonds.move_to_end(session)
        while len(self._bonds) > self._size:
            self._bonds.popitem(last=False)
