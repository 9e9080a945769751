import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.standing import Penalty
from kiro_trio.session.plan import (
    LONGEST_WAIT_OBEYED,
    MAX_TRIES_PER_CREDENTIAL,
    MAX_TRIES_PER_REQUEST,
    POLICIES,
    SAME_CREDENTIAL,
    Next,
    Progress,
    Tries,
    back_off,
    client_error,
    judge,
    promised,
)
from kiro_trio.web.messages import AnthropicDialect

STATUS_OF_TYPE = {
    "invalid_request_error": {400},
    "not_found_error": {404},
    "rate_limit_error": {429},
    "api_error": {499, 500, 502, 503},
    "overloaded_error": {503},
    "timeout_error": {504},
}


def judged(fault: Fault, progress: Progress = Progress.SILENT, times: int = 1):
    tries = Tries()
    for _ in range(times):
        tries.note(1, fault)
    return judge(fault, progress, tries, 1, jitter=0.0)


def test_every_fault_has_a_policy() -> None:
    assert set(POLICIES) == set(Fault)


def test_status_and_type_agree() -> None:
    for fault, policy in POLICIES.items():
        assert policy.status in STATUS_OF_TYPE[policy.error_type], fault


def test_after_content_nothing_is_tried_again() -> None:
    for fault in Fault:
        for progress in (Progress.SPOKEN, Progress.ACTED):
            assert judged(fault, progress).next is Next.GIVE_UP


def test_a_ping_keeps_failover_free() -> None:
    for fault in Fault:
        assert judged(fault, Progress.OPENED) == judged(fault, Progress.SILENT)


def test_what_the_client_asked_wrong_is_tried_on_nobody_else() -> None:
    for fault in (Fault.CONTEXT_OVERFLOW, Fault.BAD_REQUEST):
        assert judged(fault).next is Next.GIVE_UP
        assert judged(fault).penalty is Penalty.NONE


def test_the_first_refused_token_is_renewed_and_the_second_is_a_strike() -> None:
    assert judged(Fault.TOKEN_REFUSED).next is Next.RENEW
    second = judged(Fault.TOKEN_REFUSED, times=2)
    assert (second.next, second.penalty) == (Next.FAIL_OVER, Penalty.STRIKE)


def test_throttling_leaves_the_credential_at_once() -> None:
    verdict = judged(Fault.THROTTLED)
    assert (verdict.next, verdict.penalty) == (Next.FAIL_OVER, Penalty.COOL_DOWN)


def test_a_full_model_is_waited_for_and_burns_no_credential() -> None:
    assert judged(Fault.MODEL_CAPACITY).next is Next.RETRY
    assert judged(Fault.MODEL_CAPACITY, times=3).next is Next.GIVE_UP
    assert judged(Fault.MODEL_CAPACITY, times=3).penalty is Penalty.MODEL_BUSY


@given(
    st.lists(st.tuples(st.integers(1, 5), st.sampled_from(Fault)), min_size=1, max_size=40), st.floats(0, 1)
)
def test_tries_are_bounded_whatever_happens(mishaps: list[tuple[int, Fault]], jitter: float) -> None:
    tries = Tries()
    for credential, fault in mishaps:
        tries.note(credential, fault)
        verdict = judge(fault, Progress.SILENT, tries, credential, jitter=jitter)
        if tries.total >= MAX_TRIES_PER_REQUEST:
            assert verdict.next is Next.GIVE_UP
        if tries.by_credential[credential] >= MAX_TRIES_PER_CREDENTIAL:
            assert verdict.next not in SAME_CREDENTIAL
        assert verdict.pause <= 2.5
        assert (verdict.pause > 0) == (verdict.next is Next.RETRY)


def test_pauses_double_up_to_two_seconds() -> None:
    assert [back_off(n, 0.0) for n in range(1, 7)] == [0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    assert [back_off(n, 1.0) for n in range(1, 7)] == [0.25, 0.5, 1.0, 2.0, 2.5, 2.5]


def test_overflow_says_what_claude_code_compacts_on() -> None:
    error = client_error(Failure(Fault.CONTEXT_OVERFLOW, tokens=201_234, limit=200_000))
    assert error.status == 400
    assert error.message == "prompt is too long: 201234 tokens > 200000 maximum"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("IMAGE_SIZE_EXCEEDED", "Could not process image"),
        ("DOCUMENT_COUNT_EXCEEDED", "Could not process PDF"),
        ("REQUEST_BODY_INVALID", "The upstream calls the request malformed"),
    ],
)
def test_what_kiro_refuses_is_named_so_that_claude_code_takes_it_out(reason: str, words: str) -> None:
    error = client_error(Failure(Fault.BAD_REQUEST, reason=reason))
    assert error.status == 400
    assert error.message.startswith(words)
    assert error.message.endswith(f"({reason}).")


def test_what_waiting_cannot_mend_has_no_retry_after() -> None:
    assert client_error(Failure(Fault.BAD_REQUEST, retry_after=7)).retry_after is None


def test_the_upstream_knows_better_when_to_come_back() -> None:
    assert client_error(Failure(Fault.THROTTLED)).retry_after == 10
    error = client_error(Failure(Fault.THROTTLED, retry_after=42))
    assert error.retry_after == 42
    assert error.message.endswith("Try again in 42 seconds.")


@pytest.mark.parametrize(("wait", "told"), [(0.0, 1), (0.4, 1), (2.0, 2), (2.1, 3)])
def test_a_wait_is_never_told_too_short_and_words_and_header_agree(wait: float, told: int) -> None:
    error = client_error(Failure(Fault.THROTTLED, retry_after=wait))
    assert error.message.endswith(f"Try again in {told} seconds.")
    headers, _ = AnthropicDialect("req_1", stream=False).refuse(error)
    assert dict(headers)[b"retry-after"] == str(told).encode()


@pytest.mark.parametrize(
    ("fault", "own", "outlook", "told"),
    [
        (Fault.THROTTLED, 3600.0, 4.0, 4.0),
        (Fault.THROTTLED, 1.0, 300.0, 300.0),
        (Fault.THROTTLED, 3600.0, 0.0, 1.0),  # an account that was not tried is ready
        (Fault.MONTHLY_QUOTA, None, 86400.0, 86400.0),
        (Fault.MONTHLY_QUOTA, None, None, None),
        (Fault.SUSPENDED, None, 7.0, 7.0),
        (Fault.RENEWAL_FAILED, None, 2.0, 2.0),
        (Fault.ACCESS_DENIED, None, 60.0, 60.0),
        (Fault.ACCESS_DENIED, None, 0.0, None),  # it is the refused one that counts as ready
        (Fault.UNAVAILABLE, 5.0, 3600.0, 5.0),
        (Fault.CONNECTION_LOST, None, 3600.0, None),
        (Fault.MODEL_CAPACITY, None, 0.0, None),
        (Fault.NO_CREDENTIAL, 20.0, 20.0, 20.0),
    ],
)
def test_what_is_promised_holds_for_all_accounts(fault, own, outlook, told) -> None:
    assert promised(Failure(fault, retry_after=own), outlook).retry_after == told


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("retry_after", [None, 0.0, 15.0, 59.0])
def test_waits_that_are_worth_it_are_ones_that_clients_obey(fault: Fault, retry_after: float | None) -> None:
    """Not 529, which Claude Code tries three times within two seconds; and never more than it is ready to wait."""
    error = client_error(Failure(fault, retry_after=retry_after))
    assert error.status != 529
    if error.retry_after is not None:
        assert error.status >= 429
        assert error.retry_after <= LONGEST_WAIT_OBEYED
        assert not error.hopeless


@pytest.mark.parametrize(
    ("failure", "hopeless"),
    [
        (Failure(Fault.MONTHLY_QUOTA, retry_after=9 * 86400.0), True),
        (Failure(Fault.MONTHLY_QUOTA), True),
        (Failure(Fault.THROTTLED, retry_after=90.0), True),
        (Failure(Fault.SUSPENDED), True),
        (Failure(Fault.SUSPENDED, retry_after=20.0), False),  # another account comes back
        (Failure(Fault.NO_CREDENTIAL), True),
        (Failure(Fault.CANCELLED_BY_OWNER), True),
        (Failure(Fault.SERVER_ERROR), False),
        (Failure(Fault.MODEL_CAPACITY), False),
        (Failure(Fault.CONNECT_FAILED), False),
    ],
)
def test_clients_are_kept_from_asking_in_vain(failure: Failure, hopeless: bool) -> None:
    assert client_error(failure).hopeless is hopeless


def test_a_spent_month_says_so_in_days() -> None:
    assert client_error(Failure(Fault.MONTHLY_QUOTA, retry_after=5 * 86400)).message.endswith("in 5 days.")


@given(st.sampled_from(Fault), st.text())
def test_details_are_never_told_to_the_client(fault: Fault, detail: str) -> None:
    plain = client_error(Failure(fault))
    assert client_error(Failure(fault, detail=detail)) == plain
