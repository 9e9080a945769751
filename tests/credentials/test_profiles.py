import json

import pytest

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.calls import SmallResponse, Wire
from kiro_trio.credentials.credential import AccountKind, Defaults
from kiro_trio.credentials.entry import read_entry
from kiro_trio.credentials.profiles import Profile, find_profile
from tests.credentials.entries import ENDPOINTS, idc

ARN = "arn:aws:codewhisperer:eu-central-1:123456789012:profile/ABCDEF"
OTHER = "arn:aws:codewhisperer:us-east-1:123456789012:profile/GHIJKL"
BUILDER = SmallResponse(403, {}, b'{"message": "AWS Builder ID is not supported for this operation."}')
LOST = Failure(Fault.CONNECT_FAILED)


def profiles(*rows):
    return SmallResponse(200, {}, json.dumps({"profiles": list(rows)}).encode())


class Regions:
    """Answers by region; a region without an answer has no service."""

    def __init__(self, **answers):
        self.answers = {name.replace("_", "-"): answer for name, answer in answers.items()}
        self.asked = []

    async def send(self, call, proxy):
        region = call.url.split(".")[1]
        self.asked.append(region)
        return self.answers.get(region, LOST)


@pytest.mark.parametrize(
    ("answers", "found", "asked"),
    [
        ({"us_east_1": profiles({"arn": OTHER})}, Profile(AccountKind.ORGANISATION, OTHER), 2),
        (
            {"us_east_1": profiles(), "eu_central_1": profiles({"arn": ARN})},
            Profile(AccountKind.ORGANISATION, ARN),
            3,
        ),
        ({"eu_west_1": profiles({"arn": ARN})}, Profile(AccountKind.ORGANISATION, ARN), 1),
        ({"us_east_1": profiles(), "eu_central_1": profiles()}, Profile(AccountKind.ORGANISATION), 3),
        ({"us_east_1": BUILDER}, Profile(AccountKind.BUILDER_ID), 2),
        (
            {
                "us_east_1": profiles(
                    {"arn": "nonsense"},
                    {"arn": OTHER, "status": "DELETING"},
                    {"arn": ARN, "status": "ACTIVE"},
                ),
            },
            Profile(AccountKind.ORGANISATION, ARN),
            2,
        ),
        (
            {"us_east_1": profiles(5, {"arn": OTHER, "status": "CREATING"})},
            Profile(AccountKind.ORGANISATION, OTHER),
            2,
        ),
        ({"us_east_1": profiles()}, LOST, 3),
        ({}, LOST, 3),
    ],
)
async def test_where_a_profile_is_found(answers, found, asked):
    calls = Regions(**answers)
    credential = read_entry(idc("a", region="eu-west-1"), 1, ENDPOINTS)
    assert await find_profile(credential, Defaults(), Wire(), calls) == found
    assert calls.asked == ["eu-west-1", "us-east-1", "eu-central-1"][:asked]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"profiles": 5}', b"\xff"])
async def test_nonsense_is_no_answer(body):
    calls = Regions(us_east_1=SmallResponse(200, {}, body))
    credential = read_entry(idc("a"), 1, ENDPOINTS)
    assert isinstance(await find_profile(credential, Defaults(), Wire(), calls), Failure)
    assert calls.asked == ["us-east-1", "eu-central-1"]


def test_an_arn_is_not_shown():
    assert ARN not in repr(Profile(AccountKind.ORGANISATION, ARN))
