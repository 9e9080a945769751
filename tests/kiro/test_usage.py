import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.strategies.json_values import JSON
from fuzz.strategies.kiro_messages import ODDITIES
from kiro_trio.kiro.usage import Allowance, Overage, UsageUnreadable, parse_usage_limits

RESET = 1_788_220_800.0
CREDIT = {
    "resourceType": "CREDIT", "displayName": "Credit", "unit": "INVOCATIONS",
    "currentUsage": 12, "currentUsageWithPrecision": 12.34, "usageLimit": 1000, "usageLimitWithPrecision": 1000.0,
    "currentOverages": 0, "currentOveragesWithPrecision": 0.5, "overageCap": 10000, "overageRate": 0.04,
    "overageCharges": 0.02, "currency": "USD", "nextDateReset": RESET,
    "freeTrialInfo": {"freeTrialStatus": "ACTIVE", "freeTrialExpiry": RESET, "currentUsage": 3,
                      "currentUsageWithPrecision": 3.5, "usageLimit": 500, "usageLimitWithPrecision": 500.0},
    "bonuses": [
        {"bonusCode": "WELCOME", "displayName": "Welcome", "currentUsage": 1.0, "usageLimit": 50.0, "status": "ACTIVE", "expiresAt": RESET},
        {"bonusCode": "OLD", "currentUsage": 1.0, "usageLimit": 50.0, "status": "EXPIRED"},
    ],
}  # fmt: skip
WHOLE = {
    "nextDateReset": RESET,
    "daysUntilReset": 12,
    "subscriptionInfo": {"subscriptionTitle": "KIRO PRO", "type": "Q_DEVELOPER_STANDALONE_PRO"},
    "usageBreakdownList": [{"resourceType": "SPEC", "currentUsage": 7, "usageLimit": 8}, CREDIT],
    "overageConfiguration": {"overageStatus": "ENABLED"},
    "userInfo": {"email": "someone@example.com", "userId": "u"},
}


def parse(data):
    return parse_usage_limits(json.dumps(data).encode())


def test_every_part_is_told_apart() -> None:
    usage = parse(WHOLE)
    assert (usage.title, usage.kind, usage.resource) == ("KIRO PRO", "Q_DEVELOPER_STANDALONE_PRO", "CREDIT")
    assert usage.plan == Allowance(12.34, 1000.0)
    assert usage.trial == Allowance(3.5, 500.0, "trial", RESET)
    assert usage.bonuses == (Allowance(1.0, 50.0, "Welcome", RESET),)
    assert usage.overage == Overage(
        enabled=True, used=0.5, cap=10_000, rate=0.04, charges=0.02, currency="USD"
    )
    assert usage.next_reset == RESET
    assert usage.email == "someone@example.com"
    assert "someone" not in repr(usage)


def test_trial_and_bonuses_count_on_top_and_overage_does_not() -> None:
    usage = parse(WHOLE)
    assert usage.limit == 1550.0
    assert usage.used == pytest.approx(16.84)
    assert usage.remaining == pytest.approx(1533.16)
    assert usage.percent == pytest.approx(16.84 / 15.5)


def test_the_first_breakdown_stands_in_for_credits() -> None:
    usage = parse(
        {
            "usageBreakdownList": [
                {"resourceType": "VIBE", "currentUsage": 2.5, "usageLimit": "10"},
                {"resourceType": "SPEC"},
            ]
        }
    )
    assert (usage.resource, usage.plan) == ("VIBE", Allowance(2.5, 10.0))


def test_an_expired_trial_does_not_count() -> None:
    expired = {**CREDIT, "freeTrialInfo": {**CREDIT["freeTrialInfo"], "freeTrialStatus": "EXPIRED"}}
    assert parse({"usageBreakdownList": [expired]}).trial is None


def test_more_used_than_allowed() -> None:
    usage = parse({"usageBreakdownList": [{"currentUsage": 60, "usageLimit": 50}]})
    assert (usage.remaining, usage.percent) == (0.0, 100.0)


@pytest.mark.parametrize(
    ("value", "moment"),
    [(RESET, RESET), (int(RESET), RESET), (str(RESET), RESET), (RESET * 1000, RESET), ("2026-09-01T00:00:00Z", 1_788_220_800.0),
     ("2026-09-01T00:00:00", 1_788_220_800.0), (None, None), (0, None), ("soon", None), ([], None)],
    ids=repr,
)  # fmt: skip
def test_the_reset_in_any_form(value, moment) -> None:
    assert parse({"nextDateReset": value}).next_reset == moment


def test_the_reset_of_the_breakdown_stands_in() -> None:
    assert parse({"usageBreakdownList": [{"nextDateReset": RESET}]}).next_reset == RESET


def test_nothing_is_nothing() -> None:
    usage = parse({})
    assert (usage.title, usage.limit, usage.remaining, usage.percent, usage.trial, usage.bonuses) == (
        "",
        0,
        0,
        0,
        None,
        (),
    )


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"<html>", b"\xff", b'{"a":' * 100_000])
def test_what_is_no_object_is_refused(body) -> None:
    with pytest.raises(UsageUnreadable):
        parse_usage_limits(body)


@settings(max_examples=40)
@given(
    st.dictionaries(st.sampled_from(sorted(WHOLE)), JSON | st.just([CREDIT]))
    | st.builds(
        lambda changes: WHOLE | {"usageBreakdownList": [CREDIT | changes]},
        st.dictionaries(st.sampled_from(sorted(CREDIT)), ODDITIES | JSON),
    )
)
def test_any_object_can_be_read(data) -> None:
    usage = parse(data)
    assert usage.remaining >= 0
    assert 0 <= usage.percent <= 100
