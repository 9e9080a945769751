import pytest

from kiro_trio.upstream.errors import MalformedRequest
from kiro_trio.upstream.origin import Origin, split_url


@pytest.mark.parametrize(
    ("url", "origin", "target", "host_header"),
    [
        ("https://q.us-east-1.amazonaws.com/a/b?c=d%2F&e", ("https", 443), "/a/b?c=d%2F&e", ""),
        ("https://h:8443", ("https", 8443), "/", ":8443"),
        ("HTTP://H/#fragment", ("http", 80), "/", ""),
        ("http://h:443/", ("http", 443), "/", ":443"),
        ("http://h?x", ("http", 80), "/?x", ""),
    ],
)
def test_urls(url, origin, target, host_header):
    got, got_target = split_url(url)
    assert (got.scheme, got.port, got_target) == (*origin, target)
    assert got.host == got.host.lower()
    assert got.host_header == got.host + host_header
    assert got.display == f"{got.host}:{got.port}"


def test_ipv6_has_brackets_where_it_is_shown():
    origin, _ = split_url("http://[::1]:8080/x")
    assert origin == Origin("http", "::1", 8080)
    assert origin.display == origin.host_header == "[::1]:8080"
    assert split_url("http://[::1]/")[0].host_header == "[::1]"


@pytest.mark.parametrize(
    "url", ["", "//h/", "h/x", "ws://h/", "http://[::1", "http://h:x/", "http://bücher.de/"]
)
def test_refused(url):
    with pytest.raises(MalformedRequest):
        split_url(url)
