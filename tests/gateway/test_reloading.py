import pytest
from msgspec import structs

from kiro_trio.gateway.reloading import AT_ONCE, adopt
from kiro_trio.settings import Settings


def test_what_can_change_at_once_does_and_the_rest_is_named():
    current = Settings(api_key="a", region="us-east-1", ping_interval=10)
    wanted = Settings(api_key="b", region="eu-west-1", ping_interval=5)
    adopted = adopt(current, wanted)
    assert set(adopted.applied) == {"apiKey", "pingInterval"}
    assert adopted.needs_restart == ("region",)
    assert adopted.settings == structs.replace(current, api_key="b", ping_interval=5)
    assert adopt(current, current).applied == ()


@pytest.mark.parametrize(("host", "applied"), [("127.0.0.1", ("apiKey",)), ("0.0.0.0", ())])  # noqa: S104
def test_a_gateway_that_others_can_reach_keeps_its_key(host: str, applied):
    current = Settings(api_key="a", host=host)
    adopted = adopt(current, Settings(api_key="", host=host))
    assert adopted.applied == applied
    assert bool(adopted.settings.api_key) == (host == "0.0.0.0")  # noqa: S104


def test_every_name_is_that_of_a_setting():
    assert set(Settings.__struct_fields__) >= AT_ONCE
