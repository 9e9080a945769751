"""One account on the roster: how it stands, and how it comes back. Pure.

Time is an argument everywhere, in epoch seconds: a standing outlives the process, so its end is a moment of the wall
clock. Standings that time heals are healed when somebody looks.
"""

from dataclasses import dataclass, field

from msgspec import structs

from kiro_trio.credentials.credential import AccountKind, ArnMode, Credential
from kiro_trio.credentials.expiry import DEFAULT_LIFETIME, EXPIRED_MARGIN
from kiro_trio.credentials.record import Out, Record, merge_records
from kiro_trio.credentials.standing import (
    LONGEST_RETRY_AFTER,
    MODEL_REFUSED_FOR,
    PLAN_LACKS,
    RECOVERIES,
    STRIKES,
    Standing,
)

# With less life than this a token may be dead before Kiro reads it.
LAST_USE = 30.0

# What began further in the future than this was noted by a clock that has been set back since.
_CLOCK_SLACK = 60.0


@dataclass(slots=True)
class Account:
    """A credential on the roster. `limit`: requests at a time. The rest is its history and present.

    `outs` are the standings in force, each with its own end: a request that was still under way may bring "slow down"
    after a suspension, and neither must end the other. `refused_token` is an access token that Kiro did not take,
    whatever its expiry says.
    """

    credential: Credential
    limit: int
    outs: dict[Standing, Out] = field(default_factory=dict)
    strikes: int = 0
    renewal_strikes: int = 0
    rounds: int = 0
    coolings: int = 0
    cooled_at: float = 0.0
    lifetime: float = DEFAULT_LIFETIME
    delays: int = 0
    renew_after: float = 0.0
    refused_token: str = field(default="", repr=False)
    in_flight: int = 0
    last_pick: int = 0
    resets_at: float | None = None
    kind: AccountKind | None = None
    arn_mode: ArnMode | None = None
    refused: dict[str, float] = field(default_factory=dict)
    successes: int = 0
    failures: int = 0
    last_used_at: float | None = None

    @property
    def id(self) -> int:
        """The credential's id."""
        return self.credential.id

    @property
    def margin(self) -> float:
        """With so many seconds left a token is renewed before it is used; less for tokens that live only minutes."""
        return min(EXPIRED_MARGIN, self.lifetime / 4)

    def usable(self, now: float, margin: float) -> bool:
        """Whether the token is good for at least `margin` seconds more, as far as is known."""
        credential = self.credential
        refused = credential.access_token == self.refused_token and not credential.api_key
        return credential.usable(now, margin) and not refused

    def delayed(self, now: float) -> bool:
        """Whether the renewal of the token has to wait: the last one failed just now."""
        return now < self.renew_after <= now + LONGEST_RETRY_AFTER

    def take(self, credential: Credential) -> None:
        """The credential has changed in the store. A new refresh token, whoever got it, is not the one that was refused."""
        if credential.secret != self.credential.secret:
            self.outs.pop(Standing.REVOKED, None)
        self.credential = credential

    def stands(self, now: float) -> tuple[Standing, float | None]:
        """The worst of how the account stands now, and until when it is out; None: not for time to say."""
        if self.credential.flaw:
            return Standing.MISCONFIGURED, None
        if self.credential.disabled:
            return Standing.DISABLED, None
        if not self.outs and now >= self.renew_after:
            return Standing.READY, None  # the usual case, asked of every account for every request
        self.heal(now)
        ends = {standing: out.until for standing, out in self.outs.items()}
        if self.delayed(now) and not self.usable(now, LAST_USE):
            ends[Standing.RENEWAL_DELAYED] = self.renew_after
        worst = max(ends, key=lambda standing: RECOVERIES[standing].severity, default=Standing.READY)
        return worst, None if None in ends.values() else max(filter(None, ends.values()), default=None)

    def reason(self, standing: Standing) -> str:
        """Kiro's word for why the account has this standing, "" if there is none."""
        return self.outs[standing].reason if standing in self.outs else ""

    def serves(self, model_id: str, now: float) -> bool:
        """Whether the account has the model, as far as is known."""
        plan = self.credential.subscription_title
        if plan and any(lacks in model_id.lower() and part in plan.upper() for part, lacks in PLAN_LACKS):
            return False
        return not self.refused or not now < self.refused.get(model_id, now) <= now + MODEL_REFUSED_FOR

    def succeed(self, now: float, model_id: str = "") -> None:
        """A whole reply came: what spoke against the account is proven wrong, but a pause or a spent month stays."""
        self.heal(now)
        self.successes += 1
        self.last_used_at = now
        self.strikes = self.renewal_strikes = self.rounds = 0
        self.refused.pop(model_id, None)
        self.outs = {
            standing: out for standing, out in self.outs.items() if not RECOVERIES[standing].by_success
        }
        if Standing.COOLING not in self.outs:
            self.coolings = 0

    def renewed(self, now: float, lifetime: float = DEFAULT_LIFETIME) -> None:
        """The token was renewed and lives for `lifetime` seconds: its troubles are over."""
        self.heal(now)
        self.lifetime = lifetime
        self.renewal_strikes = self.delays = 0
        self.renew_after = 0.0
        self.refused_token = ""
        if self.outs.pop(Standing.RENEWAL_STRUCK_OUT, None):
            self.rounds = 0
        self.outs.pop(Standing.REVOKED, None)

    def reset(self) -> None:
        """The owner, or a new sign-in, wipes the slate; counters of use stay."""
        self.outs.clear()
        self.strikes = self.renewal_strikes = self.rounds = self.coolings = self.delays = 0
        self.renew_after = 0.0
        self.refused_token = ""
        self.refused.clear()
        self.kind = self.arn_mode = self.resets_at = None

    def learn_reset(self, resets_at: float, now: float) -> None:
        """Kiro names the moment at which the credits come back; a spent account waits until then."""
        if resets_at <= now:
            return
        self.resets_at = resets_at
        spent = self.outs.get(Standing.SPENT_THIS_MONTH)
        if spent is not None:
            self.outs[Standing.SPENT_THIS_MONTH] = structs.replace(spent, until=resets_at)

    def absorb(self, snapshot: Record, merged: Record) -> None:
        """Take over what `merged`, our `snapshot` joined with other processes' memory, has more than the snapshot.

        What has changed here since the snapshot was taken stays.
        """
        self._take_over(merge_records(snapshot, self.record(), merged))

    def record(self) -> Record:
        """What is to be remembered of the account."""
        names = {name: getattr(self, name) for name in _PLAIN}
        return Record(
            **names,
            mark=self._mark(),
            outs={standing.name: out for standing, out in self.outs.items()},
            refused=dict(self.refused),
            kind=self.kind.name if self.kind else "",
            arn_mode=self.arn_mode.name if self.arn_mode else "",
        )

    def recall(self, record: Record) -> None:
        """Take over what was remembered from before, unless it was about another sign-in.

        Names that we do not know (a newer version's) count as nothing.
        """
        self._take_over(record)
        if record.mark and record.mark not in self.credential.lineage:
            self.reset()  # somebody signed in anew meanwhile, perhaps as somebody else

    def _take_over(self, record: Record) -> None:
        for name in _PLAIN:
            setattr(self, name, getattr(record, name))
        known = Standing.__members__
        mark = self._mark()
        self.outs = {
            known[name]: out for name, out in record.outs.items() if name in known and out.mark in {"", mark}
        }
        self.kind = AccountKind.__members__.get(record.kind)
        self.arn_mode = ArnMode.__members__.get(record.arn_mode)
        self.refused = dict(record.refused)

    def _mark(self) -> str:
        """The fingerprint of the present refresh token or key."""
        return self.credential.lineage[-1] if self.credential.lineage else ""

    def put_out(self, standing: Standing, since: float, until: float | None, reason: str) -> None:
        """Give the account a standing; one that it has already can only become longer."""
        out = self.outs.get(standing)
        if out is None:
            mark = self._mark() if standing is Standing.REVOKED else ""
            self.outs[standing] = Out(since, until, reason, mark)
        else:
            longer = None if until is None or out.until is None else max(until, out.until)
            self.outs[standing] = structs.replace(out, until=longer)

    def heal(self, now: float) -> None:
        """Let time do its work; whoever looks at `outs` or the counters calls it first."""
        for standing, noted in list(self.outs.items()):
            out = self.outs[standing] = _by_this_clock(noted, now)
            if not RECOVERIES[standing].by_time or out.until is None or now < out.until:
                continue
            del self.outs[standing]
            # On probation: one more refusal, and it is out again, for longer.
            if standing is Standing.STRUCK_OUT:
                self.strikes = STRIKES - 1
            elif standing is Standing.RENEWAL_STRUCK_OUT:
                self.renewal_strikes = STRIKES - 1


def _by_this_clock(out: Out, now: float) -> Out:
    """The same pause, from now on, if it was noted by a clock that went ahead of this one."""
    if out.since <= now + _CLOCK_SLACK:
        return out
    until = None if out.until is None else now + max(0.0, out.until - out.since)
    return structs.replace(out, since=now, until=until)


_PLAIN = frozenset(Record.__struct_fields__) - {"mark", "outs", "refused", "kind", "arn_mode"}
