from kiro_trio.admin.sessions import LIFETIME, Sessions
from tests.admin.test_guesses import Clock


def test_a_session_lasts_while_it_is_used():
    clock = Clock()
    sessions = Sessions(clock)
    cookie, session = sessions.begin("key")
    clock.now += LIFETIME - 1
    assert sessions.find(cookie, "key") is session
    clock.now += LIFETIME - 1
    assert sessions.find(cookie, "key") is session
    clock.now += LIFETIME
    assert sessions.find(cookie, "key") is None
    clock.now -= LIFETIME
    assert sessions.find(cookie, "key") is None


def test_another_key_ends_all_sessions_of_the_old_one():
    sessions = Sessions(Clock())
    cookie, _ = sessions.begin("key")
    assert sessions.find(cookie, "other") is None
    assert sessions.find(cookie, "key") is None


def test_logging_out_ends_one_and_others_stay():
    sessions = Sessions(Clock())
    first, _ = sessions.begin("key")
    second, session = sessions.begin("key")
    sessions.end(first)
    assert sessions.find(first, "key") is None
    assert sessions.find(second, "key") is session
    assert sessions.find("", "key") is None


def test_there_are_only_so_many():
    sessions = Sessions(Clock())
    cookies = [sessions.begin("key")[0] for _ in range(100)]
    assert sum(sessions.find(cookie, "key") is not None for cookie in cookies) == 64
