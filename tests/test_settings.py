"""Settings: kiro.rs's file as it is, environment over file, flags over both; every mistake named in one sentence."""

import json
import stat
import string
from pathlib import Path

import pytest

from kiro_trio.credentials.credential import Proxy
from kiro_trio.settings import (
    Settings,
    SettingsError,
    is_loopback,
    load_settings,
    write_first_config,
)
from kiro_trio.settings.checks import EXAMPLE_KEYS
from kiro_trio.settings.table import markdown, rows

# Every key that kiro.rs's documentation shows in its complete example, and those that it has grown since.
KIRO_RS = {
    "host": "127.0.0.1",
    "port": 8990,
    "apiKey": "sk-dummy-client-key",
    "region": "us-east-1",
    "tlsBackend": "rustls",
    "kiroVersion": "0.9.2",
    "machineId": "0" * 64,
    "systemVersion": "darwin#24.6.0",
    "nodeVersion": "22.21.1",
    "authRegion": "us-east-1",
    "apiRegion": "eu-central-1",
    "countTokensApiUrl": "https://api.example.com/v1/messages/count_tokens",
    "countTokensApiKey": "sk-dummy-count-key",
    "countTokensAuthType": "x-api-key",
    "proxyUrl": "http://127.0.0.1:7890",
    "proxyUsername": "dummy-user",
    "proxyPassword": "dummy-pass",
    "adminApiKey": "sk-dummy-admin-key",
    "loadBalancingMode": "priority",
    "extractThinking": True,
    "defaultEndpoint": "ide",
    "endpoints": {},
}
BOOLS = [row for row in rows() if isinstance(row.default, bool)]
NUMBERS = [
    row for row in rows() if isinstance(row.default, (int, float)) and not isinstance(row.default, bool)
]
CHOICES = [row for row in rows() if row.expected.startswith("`")]


@pytest.fixture
def config(tmp_path):
    def write(content):
        path = tmp_path / "config.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    return write


def load(path, environ=None, **flags):
    return load_settings(path, environ or {}, {name: (f"--{name}", value) for name, value in flags.items()})


def settings_of(content, config, environ=None):
    return load(config(content), environ).settings


def problem(path, environ=None, **flags):
    with pytest.raises(SettingsError) as caught:
        load(path, environ, **flags)
    return str(caught.value)


def test_kiro_rs_file_is_read_as_it_is(config):
    loaded = load(config(KIRO_RS))
    assert loaded.warnings == ()
    assert loaded.settings.port == 8990
    assert loaded.settings.api_region == "eu-central-1"
    assert loaded.settings.proxy == Proxy("http", "127.0.0.1", 7890, "dummy-user", "dummy-pass")


def test_every_key_of_kiro_rs_lands_in_its_setting(config):
    settings = settings_of(KIRO_RS, config)
    by_key = {row.key: getattr(settings, row.name) for row in rows()}
    assert {key: by_key[key] for key in KIRO_RS} == KIRO_RS


def test_no_file_means_defaults(tmp_path):
    loaded = load(tmp_path / "config.json")
    assert loaded.settings == Settings()


def test_null_means_default_whatever_the_key(config):
    assert settings_of(dict.fromkeys((row.key for row in rows() if row.in_file), None), config) == Settings()


def test_a_byte_order_mark_is_no_mistake(config):
    assert settings_of(b"\xef\xbb\xbf" + b'{"port": 1}', config).port == 1


def test_unknown_keys_are_named_in_one_warning(config):
    warnings = load(config({"apiKey": "sk-dummy", "prot": 1, "kiroApiKey": "ksk_dummy", "Zoo": {}})).warnings
    assert len(warnings) == 1
    assert "Zoo, kiroApiKey, prot" in warnings[0]
    assert "ksk_dummy" not in warnings[0]


def test_unknown_variables_are_named_in_one_warning(config):
    environ = {"KIRO_TRIO_PROT": "1", "KIRO_TRIO_ZOO": "2", "KIRO_TRIO_CONFIG": "x", "PATH": "y"}
    (warning,) = load(config({"apiKey": "sk-dummy"}), environ).warnings
    assert "KIRO_TRIO_PROT, KIRO_TRIO_ZOO" in warning
    assert "KIRO_TRIO_CONFIG" not in warning


def test_environment_wins_over_file_and_flags_win_over_both(config):
    path = config({"apiKey": "sk-dummy", "port": 1, "region": "eu-west-1", "logLevel": "error"})
    environ = {"KIRO_TRIO_PORT": "2", "KIRO_TRIO_REGION": "eu-west-2", "KIRO_TRIO_HOST": ""}
    settings = load(path, environ, port=3, region=None).settings
    assert (settings.port, settings.region, settings.log_level, settings.host) == (
        3,
        "eu-west-2",
        "error",
        "127.0.0.1",
    )


def test_a_flag_of_zero_is_given_too(config):
    assert load(config({"port": 1}), port=0).settings.port == 0


def test_space_around_a_value_is_no_part_of_it(config):
    settings = settings_of(
        {"apiKey": " sk-dummy\n"}, config, {"KIRO_TRIO_REGION": " eu-west-1 ", "KIRO_TRIO_PORT": "1\n"}
    )
    assert (settings.api_key, settings.region, settings.port) == ("sk-dummy", "eu-west-1", 1)


def test_the_kiro_api_key_comes_from_its_own_variable_only(config):
    assert settings_of({}, config, {"KIRO_API_KEY": "ksk_dummy"}).kiro_api_key == "ksk_dummy"
    assert any("KIRO_API_KEY" in warning for warning in load(config({}), {"KIRO_API_KEY": ""}).warnings)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_every_setting_can_be_given_by_file_and_by_variable(config, row):
    sample = _sample(row)
    text = json.dumps(sample) if isinstance(sample, (bool, dict, int, float)) else sample
    environ = {row.variable: text}
    base = {"apiKey": "sk-dummy"} if row.name != "api_key" else {}
    by_variable = settings_of(base, config, environ)
    values = [getattr(by_variable, row.name)]
    if row.in_file:
        values.append(getattr(settings_of({**base, row.key: sample}, config), row.name))
    for value in values:
        assert value != row.default
        assert value == sample


def _sample(row):
    if row.name == "ca_file":
        import certifi  # noqa: PLC0415 - only here

        return certifi.where()
    special = {
        "host": "localhost",
        "upstream_url": "http://127.0.0.1:1",
        "count_tokens_api_url": "http://127.0.0.1:1/x",
        "proxy_url": "socks5://127.0.0.1:1",
        "machine_id": "1" * 64,
        "endpoints": {"ide": {"origin": "X"}},
        "default_endpoint": "cli-q",
        "api_key_endpoint": "ide-kiro",
        "model_aliases": {"a": "b"},
        "models": {"m": {"window": 1000, "effort": "reasoning"}},
    }
    if row.name in special:
        return special[row.name]
    if row.expected.startswith("`"):
        return next(choice for choice in _choices(row) if choice != row.default)
    if isinstance(row.default, bool):
        return not row.default
    if isinstance(row.default, (int, float)):
        return row.default + 1
    return "eu-west-3" if "region" in row.expected else "dummy-text"


def _choices(row):
    return [choice.strip("`") for choice in row.expected.split(" or ")]


@pytest.mark.parametrize("row", [row for row in rows() if row.in_file], ids=lambda row: row.name)
@pytest.mark.parametrize("value", [[], {"a": []}, -1], ids=repr)
def test_what_does_not_fit_is_named_with_its_place_and_what_was_expected(config, row, value):
    path = config({row.key: value})
    shown = "" if row.secret else f", not {json.dumps(value)}"
    assert problem(path) == f"{path}: {row.key} must be {row.expected}{shown}"


@pytest.mark.parametrize("row", NUMBERS + BOOLS + CHOICES, ids=lambda row: row.name)
@pytest.mark.parametrize("text", ["nonsense", "nan", "inf", "-inf", "1e999", "-1"])
def test_a_variable_that_does_not_fit_is_named(config, row, text):
    if text == "99999999999999999999999" and row.name in {
        "body_limit",
        "per_credential_concurrency",
        "queue_limit",
    }:
        return
    said = problem(config({}), {row.variable: text})
    assert said == f'{row.variable} must be {row.expected}, not "{text}"'


def test_a_flag_that_does_not_fit_is_named(config):
    assert problem(config({}), port=70000).startswith(
        "--port must be a whole number from 0 to 65535, not 70000"
    )


@pytest.mark.parametrize("row", [row for row in rows() if row.secret], ids=lambda row: row.name)
def test_no_mistake_tells_a_secret(config, row):
    secret = "dummy-secret \u00e9 value"
    said = [
        str(outcome_of(config({row.key: value})))
        for value in (secret, [secret], {"a": secret})
        if row.in_file
    ]
    if row.expected != "text":
        said.append(problem(config({}), {row.variable: secret}))
    assert said
    assert "dummy-secret" not in "".join(said)


def test_the_repr_tells_no_secret(config):
    settings = settings_of(KIRO_RS, config, {"KIRO_API_KEY": "ksk_dummy"})
    for text in (repr(settings), str(settings), str(settings.__rich_repr__())):
        assert "dummy" not in text
        assert "host='127.0.0.1'" in text or "('host', '127.0.0.1')" in text


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"port": 1,\n "host" 2}', "must be JSON, but line 2, column 9 is not"),
        (b"[]", "must hold a JSON object"),
        (b"", "must be JSON"),
        (b'{"a": "\xff"}', "must be UTF-8 text, but byte 7 is not"),
        (b'{"a":' * 100_000, "is nested too deeply"),
        (b'{"port": ' + b"9" * 5000 + b"}", "holds a number that is too long"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(config, content, expected):
    path = config(content)
    assert problem(path).startswith(f"{path} {expected}")


def test_a_folder_in_place_of_the_file_is_named(tmp_path):
    assert problem(tmp_path) == f"{tmp_path} cannot be read: Is a directory"


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("proxyUrl", "ftp://127.0.0.1:1", "must be `direct` or begin with"),
        ("proxyUrl", "http://127.0.0.1:99999", "is not a URL with a valid port"),
        ("upstreamUrl", "http://127.0.0.1:99999", "cannot be used: Port out of range"),
        ("upstreamUrl", "http://127.0.0.1/path", "must be an address"),
        (
            "caFile",
            "/does/not/exist",
            "cannot be used: /does/not/exist: cannot be read: No such file or directory",
        ),
        ("defaultEndpoint", "idee", "must be one of ide, ide-kiro, cli, cli-q"),
        ("apiKeyEndpoint", "", "must be one of ide, ide-kiro, cli, cli-q"),
        (
            "endpoints",
            {"ide": {"orign": "X"}},
            "cannot be used: endpoints.ide: Object contains unknown field",
        ),
        ("endpoints", {"own": {"origin": "X"}}, "cannot be used: endpoints.own: there is no such preset"),
        ("region", "us-east-1\n.evil.example", "must be a region"),
        ("region", "us-east-1/x", "must be a region"),
        ("models", {"m": {"window": 0}}, "cannot be used: models.m: Expected `int` >= 1"),
        ("models", {"m": {"size": 1}}, "cannot be used: models.m: Object contains unknown field `size`"),
    ],
)
def test_what_a_type_alone_cannot_say_is_named_too(config, key, value, expected):
    path = config({key: value})
    assert problem(path).startswith(f"{path}: {key} {expected}")


def test_an_endpoint_of_ones_own_can_be_the_default(config):
    own = {"endpoints": {"own": {"like": "ide", "origin": "X"}}, "defaultEndpoint": "own"}
    assert settings_of(own, config).default_endpoint == "own"


def test_a_file_of_certificates_without_one_is_named(config, tmp_path):
    (tmp_path / "empty.pem").write_text("no certificate")
    assert "holds no CA certificate in PEM form" in problem(config({"caFile": str(tmp_path / "empty.pem")}))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("0.0.0.0", False),  # noqa: S104 - that is the point
        ("::", False),
        ("192.168.1.2", False),
        ("localhost.example.com", False),
        ("my-machine", False),
    ],
)
def test_what_is_loopback(host, expected):
    assert is_loopback(host) is expected


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "my-machine"])  # noqa: S104
def test_nobody_else_can_reach_a_gateway_without_a_key_worth_the_name(config, host):
    assert "needs an apiKey" in problem(config({"host": host}))
    for key in EXAMPLE_KEYS:
        assert "example that everybody knows" in problem(config({"host": host, "apiKey": key.upper()}))
    assert "example that everybody knows" in problem(
        config({"host": host, "apiKey": "sk-dummy-own", "adminApiKey": "change-me"})
    )
    assert load(config({"host": host, "apiKey": "sk-dummy-own"})).warnings == ()


@pytest.mark.parametrize("key", ["", *sorted(EXAMPLE_KEYS)])
def test_on_loopback_a_weak_key_is_only_a_warning(config, key):
    (warning,) = load(config({"apiKey": key})).warnings
    assert "apiKey" in warning


def test_the_examples_of_the_documentation_are_known_as_such():
    assert {"sk-kiro-rs-qazwsxedcrfv123456", "123456", "change-me"} <= EXAMPLE_KEYS
    assert all(key == key.lower() for key in EXAMPLE_KEYS)


@pytest.mark.parametrize(
    ("machine_id", "warned"),
    [
        ("0" * 64, False),
        ("2582956e-cc88-4669-b546-07adbffcb894", False),
        ("2582956ecc884669b54607adbffcb894", False),
        ("0" * 63, True),
        ("64位", True),
    ],
)
def test_a_machine_id_that_is_none_is_ignored_with_a_warning(config, machine_id, warned):
    warnings = load(config({"apiKey": "sk-dummy", "machineId": machine_id})).warnings
    assert bool(warnings) is warned


def outcome_of(path):
    try:
        return load(path).settings
    except SettingsError as error:
        return error


def test_the_first_config_has_new_keys_each_time_and_only_its_owner_may_read_it(tmp_path):
    keys = set()
    for number in range(3):
        path = tmp_path / f"config{number}.json"
        write_first_config(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        loaded = load(path)
        assert loaded.warnings == ()
        keys |= {loaded.settings.api_key, loaded.settings.admin_api_key}
    assert len(keys) == 6
    for key in keys:
        assert key.startswith("sk-kiro-trio-")
        assert len(key) >= len("sk-kiro-trio-") + 32
        assert set(key) <= set(string.ascii_letters + string.digits + "-_")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config0.json", "config1.json", "config2.json"]


def test_a_first_config_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(SettingsError, match="cannot be written") as caught:
        write_first_config(tmp_path / "missing" / "config.json")
    assert "KIRO_TRIO_API_KEY" in str(caught.value)


def test_the_readme_has_the_table_of_all_settings():
    assert markdown() in (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def test_the_chinese_readme_has_a_row_for_every_setting_with_its_default():
    lines = (Path(__file__).parents[1] / "README.zh-CN.md").read_text("utf-8").splitlines()
    cells = {
        tuple(cell.strip() for cell in line.split("|")[1:4:2]) for line in lines if line.startswith("| `")
    }
    ours = [tuple(cell.strip() for cell in line.split("|")[1:4:2]) for line in markdown().splitlines()[2:]]
    assert [row for row in ours if row not in cells] == []
