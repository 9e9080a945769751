"""Any status, any headers and any body become one `Fault`, with nothing of the body in what the owner and the client read.

Also for exceptions and errors inside a stream. A time to wait is finite, not negative and at most a year.
"""

import json
from math import isfinite

from hypothesis import strategies as st

from fuzz.strategies import json_values
from fuzz.strategies.damage import JSON_PIECES, damaged
from kiro_trio.conversation.faults import Failure, Fault
from kiro_trio.dialects.anthropic.errors import error_body
from kiro_trio.kiro import faults
from kiro_trio.session.plan import client_error

BOUNDED = 200

_NOW = 1_800_000_000.0
_YEAR = 366 * 86400.0
_CANARY = "zq5SECRETqz"
_MESSAGES = st.lists(
    st.sampled_from(
        [
            "Input is too long.", "prompt is too long: 3 tokens > 2 maximum", "1,000,000 tokens", "limit 200000 tokens",
            "Invalid model ID.", "temporarily is suspended", "unexpectedly high load", "١٢٣ tokens > 9", "_,_ tokens > 1",
            "7__7 tokens", _CANARY, " ", "\n", "\ud83d", "9" * 5000,
        ]
    ),
    max_size=4,
).map(" ".join)  # fmt: skip
_NAMES = st.sampled_from(["", "x", _CANARY, *faults.NAMES]).flatmap(
    lambda name: st.sampled_from(
        ["{}", "{}Exception", "com.amazon#{}Exception", "{}Exception:http://x/"]
    ).map(lambda form: form.format(name))
)
_FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "message": _MESSAGES | json_values.values(),
        "Message": _MESSAGES,
        "reason": st.sampled_from([*faults.REASONS, "NEW_REASON", _CANARY, "", "image_x"])
        | json_values.values(),
        "__type": _NAMES | json_values.values(),
        "code": _NAMES,
        "error": st.fixed_dictionaries({}, optional={"message": _MESSAGES, "code": _NAMES, "reason": _NAMES}),
    },
)
_BODIES = _FIELDS.map(json_values.encoded) | damaged(_FIELDS.map(json_values.encoded), JSON_PIECES)
_HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "x-amzn-errortype", "content-type"]),
    _NAMES
    | st.text(max_size=20)
    | st.sampled_from(
        [
            "3",
            "-1",
            "nan",
            "inf",
            "1e300",
            "1_0",
            "Fri, 15 Jan 2027 08:00:00 GMT",
            "Fri, 99 Jan 2027",
            "0",
            "9" * 5000,
        ]
    ),
)
EXAMPLES = st.tuples(
    st.integers(100, 600) | st.sampled_from(sorted(faults.STATUSES)), _HEADERS, _BODIES, _NAMES
)


def check(example: tuple[int, dict[str, str], bytes, str]) -> None:
    status, headers, body, name = example
    answer = faults.classify(status, headers, body, now=_NOW)
    assert answer.status == status
    _check(answer)
    _check(faults.classify(status, headers, body))
    inside = faults.classify_exception(name, body)
    assert inside.status is None
    assert inside.retry_after is None
    _check(inside)
    assert isinstance(faults.exception_name(name, body), str)


def _check(failure: Failure) -> None:
    assert isinstance(failure.fault, Fault)
    assert failure.detail.isprintable()
    assert _CANARY.lower() not in repr(failure).lower()
    wait = failure.retry_after
    assert wait is None or (isfinite(wait) and 0 <= wait <= _YEAR)
    told = client_error(failure)
    assert _CANARY.lower() not in told.message.lower()
    assert json.loads(error_body(told.error_type, told.message, "req_1"))["error"]["message"] == told.message
