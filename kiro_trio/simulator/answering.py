"""What is answered to a request, and why."""

import hashlib
import re
from collections.abc import Callable
from typing import Any, cast

import msgspec

from kiro_trio.simulator import answers
from kiro_trio.simulator.accounts import Account, arn_refusal
from kiro_trio.simulator.delivery import Delivery, Head, Write, befall
from kiro_trio.simulator.endpoints import BEARER_CALLS, Binding, Request, parsed, profile_arns, route
from kiro_trio.simulator.frames import Voice, perform
from kiro_trio.simulator.improvise import improvise
from kiro_trio.simulator.models import listed
from kiro_trio.simulator.question import Question, input_tokens
from kiro_trio.simulator.refusals import NAMESPACE, REFUSALS, Status
from kiro_trio.simulator.rules import INVARIANT_NAMES, Violation, examine
from kiro_trio.simulator.script import Framing, Match, Metering, Reply, Say
from kiro_trio.simulator.seen import Exchange, hide_fields, without_secrets
from kiro_trio.simulator.simulator import Simulator
from kiro_trio.wire.sse import encode_event

EVENT_STREAM = "application/vnd.amazon.eventstream"
JSON = {"rest": "application/json", "rpc": "application/x-amz-json-1.0"}


class Answering:
    """One request, and the way to its answer.

    `exchange` is what is seen of it, `delivery` the planned answer, `account` who asks. `now` is trio's time.
    """

    def __init__(self, simulator: Simulator, request: Request, now: float, connection: int) -> None:
        self._simulator = simulator
        self._request = request
        self._now = now
        self._body = parsed(request)
        self._binding: Binding
        self._call, self._binding = route(request)
        self._number = simulator.figures.calls.total() + 1
        self.account = self._who()
        self.exchange = Exchange(
            self._call,
            request.method,
            request.target,
            without_secrets(request.headers),
            hide_fields(self._body),
            now,
            connection,
            self.account.email if self.account else None,
        )
        simulator.ledger.began(self.exchange)
        if self.account is not None:
            self.account.began()
        self.delivery = self._plan()
        self.exchange.status = self.delivery.status

    def _who(self) -> Account | None:
        accounts = self._simulator.sign_in.accounts
        if self._call in BEARER_CALLS:
            return accounts.of_bearer(self._request.bearer, self._now)
        token = self._body.get("refreshToken") if isinstance(self._body, dict) else None
        return accounts.of_refresh_token(token) if isinstance(token, str) else None

    def _plan(self) -> Delivery:
        if self._call in BEARER_CALLS and (refused := self._gate()):
            return self._refuse(refused)
        if self._call == "chat":
            return self._chat()
        reply = self._script(None)
        if reply.status is not None:
            return befall(self._plain(_status(reply.status)), reply.misfortunes)
        return befall(self._small_call(), reply.misfortunes)

    def _gate(self) -> str | None:
        """Why the caller may not make this call at all: a row of `REFUSALS`."""
        account = self.account
        if account is None:
            return "token" if self._request.bearer else "unauthorized"
        as_key = self._request.headers.get("tokentype", "").upper() == "API_KEY"
        if as_key != (account.kind == "api-key") and account is not self._simulator.guest:
            return "token"
        if account.suspended:
            return "suspended"
        arns = profile_arns(self._request, self._body)
        if len(arns) > 1:
            return "arn-invalid"
        if self._call == "profiles":
            return None
        return arn_refusal(self._simulator.arn_rule, account, next(iter(arns), None))

    def _chat(self) -> Delivery:
        simulator, account = self._simulator, cast("Account", self.account)
        if account.used >= account.limit:
            return self._refuse("monthly")
        without = simulator.without if simulator.validate else INVARIANT_NAMES
        found = examine(self._request.body, simulator.models, also=simulator.also, without=without)
        if isinstance(found, Violation):
            if simulator.validate:
                return self._refuse(found.refusal, f"{found.invariant}: {found.evidence}")
            return self._speak(None, Voice(seed=str(self._number)))
        voice = self._voice(found)
        if voice.input_tokens > voice.window and simulator.validate:
            return self._refuse("too-long", f"{voice.input_tokens} tokens > {voice.window}")
        if "FREE" in account.plan and "opus" in voice.model_id:
            return self._refuse("model", f"plan: {account.plan} has no {voice.model_id}")
        return self._speak(found, voice)

    def _speak(self, question: Question | None, voice: Voice) -> Delivery:
        reply = self._script(question)
        if reply.status is not None:
            return befall(self._plain(_status(reply.status)), reply.misfortunes)
        steps = reply.steps
        if steps is None:
            steps = improvise(question, self._simulator.every) if question else (Say("Simulated."),)
        cast("Account", self.account).used += Metering().credits
        acts = (Head(), *perform(steps, voice, bare=reply.bare))
        headers = (
            ("content-type", EVENT_STREAM),
            ("x-amzn-requestid", self._request_id()),
            ("x-amzn-codewhisperer-conversation-id", voice.conversation_id),
        )
        return befall(Delivery(200, headers, acts), reply.misfortunes)

    def _voice(self, question: Question) -> Voice:
        model_id = question.current.model_id or "auto"
        model = self._simulator.models.get(model_id)
        return Voice(
            question.conversation_state.conversation_id or Voice().conversation_id,
            model_id,
            self._simulator.window or (model.window if model else Voice().window),
            input_tokens(question),
            f"{self._number}/{len(question.history)}",
        )

    def _script(self, question: Question | None) -> Reply:
        """The first rule that fits, else an empty reply."""
        for number, rule in enumerate(self._simulator.script.rules):
            if not self._fits(rule.when, question):
                continue
            self._simulator.fits[number] += 1
            if not rule.when.nth or self._simulator.fits[number] in rule.when.nth:
                self.exchange.rule = number
                return rule.reply
        return Reply()

    def _fits(self, when: Match, question: Question | None) -> bool:
        said = question.current.content if question else ""
        model = question.current.model_id if question else ""
        tokens = {self._request.bearer}
        if isinstance(self._body, dict):
            tokens.add(str(self._body.get("refreshToken")))
        return (
            when.call in {"", self._call}
            and when.prompt.lower() in said.lower()
            and bool(re.search(when.pattern, said, re.IGNORECASE))
            and bool(not when.body or re.search(when.body.encode(), self._request.body))
            and when.model in {"", model}
            and when.account in {"", self.exchange.account}
            and (not when.token or when.token in tokens)
        )

    def _small_call(self) -> Delivery:
        simulator, request, now = self._simulator, self._request, self._now
        sign_in = simulator.sign_in
        sign_in.rotate, sign_in.lifetime = simulator.rotate_refresh_tokens, simulator.token_lifetime
        fields = self._body if isinstance(self._body, dict) else {}
        account = self.account or simulator.guest
        base = f"http://{request.headers.get('host', 'localhost')}"
        email = str(fields.get("isEmailRequired", request.query.get("isEmailRequired"))).lower() == "true"
        calls: dict[str, Callable[[], dict[str, Any] | Status]] = {
            "mcp": lambda: answers.mcp(fields),
            "usage": lambda: answers.usage_limits(account, simulator.wall(), email=email),
            "models": lambda: listed(simulator.models),
            "profiles": lambda: answers.profiles(account),
            "preference": dict,
            "refresh": lambda: sign_in.refresh(fields, now),
            "token": lambda: sign_in.token(fields, now),
            "register": lambda: sign_in.register(fields, simulator.wall()),
            "device": lambda: sign_in.device(fields, now, base),
            "approve": lambda: sign_in.approve(request.query),
            "authorize": lambda: sign_in.authorize(request.query),
            "exchange": lambda: sign_in.exchange(fields, now),
        }
        if self._call not in calls:
            return self._refuse("unknown-operation")
        answer = calls[self._call]()
        if self._call == "mcp" and simulator.mcp_as_events:
            events = encode_event("message", msgspec.json.encode(answer))
            headers = (("content-type", "text/event-stream"), ("x-amzn-requestid", self._request_id()))
            return Delivery(200, headers, (Head(), Write((events,))))
        return self._plain(answer if isinstance(answer, Status) else Status(200, body=answer))

    def _refuse(self, name: str, why: str = "") -> Delivery:
        self.exchange.refused = why or name
        return self._plain(REFUSALS[name])

    def _plain(self, status: Status) -> Delivery:
        """A plain HTTP answer, errors in the binding of the call."""
        headers = {"content-type": JSON[self._binding], "x-amzn-requestid": self._request_id()}
        body = status.body
        if status.error:
            body = {"message": status.message, "reason": status.reason}
            if self._binding == "rpc":
                body = {"__type": NAMESPACE + status.error, **body}
            else:
                headers["x-amzn-errortype"] = f"{status.error}:http://internal.amazon.com/"
        headers |= {name.lower(): value for name, value in status.headers.items()}
        data = status.text.encode() if status.text is not None else msgspec.json.encode(body)
        return Delivery(
            status.code,
            tuple(headers.items()),
            (Head(), Write((data,))) if data else (Head(),),
            framing=Framing("length"),
        )

    def _request_id(self) -> str:
        digest = hashlib.sha256(f"request {self._number}".encode()).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


def _status(status: Status | str) -> Status:
    return REFUSALS[status] if isinstance(status, str) else status
