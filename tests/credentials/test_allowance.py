import pytest

from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.credentials.allowance import ask_usage
from kiro_trio.credentials.calls import SmallResponse, Wire
from kiro_trio.credentials.credential import SOCIAL_PROFILE_ARN, Defaults
from tests.credentials.entries import credential


class Answers:
    def __init__(self, answer):
        self.answer = answer

    async def send(self, call, proxy):
        self.url = call.url
        return self.answer


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Failure(Fault.PROXY_FAILED), Fault.PROXY_FAILED),
        (SmallResponse(401, {}, b"{}"), Fault.TOKEN_REFUSED),
        (SmallResponse(200, {}, b"<html>"), Fault.UNEXPECTED_STATUS),
    ],
)
async def test_what_is_no_answer_says_why(answer, fault):
    told = await ask_usage(credential(), None, Defaults(), Wire(), Answers(answer))
    assert told.fault is fault


async def test_the_answer_is_read_and_the_arn_is_sent():
    calls = Answers(SmallResponse(200, {}, b'{"subscriptionInfo": {"subscriptionTitle": "KIRO PRO"}}'))
    usage = await ask_usage(
        credential(apiRegion="eu-central-1"), SOCIAL_PROFILE_ARN, Defaults(), Wire(), calls
    )
    assert usage.title == "KIRO PRO"
    assert calls.url.startswith("https://q.eu-central-1.amazonaws.com/getUsageLimits?")
    assert "profileArn=arn%3Aaws" in calls.url
