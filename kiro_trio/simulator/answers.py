"""The small calls: usage limits, profiles, web search.

Source: docs/wire.md, "Usage limits" and "Web search".
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from kiro_trio.simulator.accounts import Account
from kiro_trio.simulator.refusals import REFUSALS, Status

TIERS = {
    "FREE": "Q_DEVELOPER_STANDALONE_FREE",
    "PRO+": "Q_DEVELOPER_STANDALONE_PRO_PLUS",
    "PRO": "Q_DEVELOPER_STANDALONE_PRO",
}
POWER = "Q_DEVELOPER_STANDALONE_POWER"
PUBLISHED = 1_767_225_600_000
"""2026-01-01 in epoch milliseconds, as Kiro writes it."""


def usage_limits(account: Account, wall: float, *, email: bool) -> dict[str, Any]:
    """`getUsageLimits`; `wall` is the time of day in epoch seconds."""
    reset = account.next_reset if account.next_reset is not None else _next_month(wall)
    answer: dict[str, Any] = {
        "nextDateReset": reset,
        "daysUntilReset": max(0, int((reset - wall) // 86_400)),
        "subscriptionInfo": {
            "subscriptionTitle": account.plan,
            "type": next((tier for word, tier in TIERS.items() if word in account.plan), POWER),
            "upgradeCapability": "UPGRADE_CAPABLE",
            "overageCapability": "OVERAGE_CAPABLE",
            "subscriptionManagementTarget": "MANAGE",
        },
        "usageBreakdownList": [_credits(account, reset)],
        "overageConfiguration": {"overageStatus": "DISABLED"},
        "userInfo": {"userId": f"simulated.{account.email.partition('@')[0]}"},
    }
    if email:
        answer["userInfo"]["email"] = account.email
    return answer


def _credits(account: Account, reset: float) -> dict[str, Any]:
    return {
        "resourceType": "CREDIT",
        "displayName": "Credit",
        "displayNamePlural": "Credits",
        "unit": "INVOCATIONS",
        "currentUsage": int(account.used),
        "currentUsageWithPrecision": account.used,
        "usageLimit": int(account.limit),
        "usageLimitWithPrecision": account.limit,
        "currentOverages": 0,
        "currentOveragesWithPrecision": 0.0,
        "overageCap": 10_000,
        "overageRate": 0.04,
        "overageCharges": 0.0,
        "currency": "USD",
        "nextDateReset": reset,
        "bonuses": [],
    }


def _next_month(wall: float) -> float:
    day = datetime.fromtimestamp(wall, UTC)
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)  # noqa: PLR2004
    return datetime(year, month, 1, tzinfo=UTC).timestamp()


def profiles(account: Account) -> dict[str, Any] | Status:
    """`ListAvailableProfiles`."""
    if account.kind == "builder-id":
        return REFUSALS["builder-id"]
    arn = account.profile_arn
    found = [{"arn": arn, "profileName": "Simulated", "status": "ACTIVE"}] if arn else []
    return {"profiles": found, "nextToken": None}


def mcp(body: Mapping[str, Any]) -> dict[str, Any]:
    """Kiro's MCP server: JSON-RPC with one tool, `web_search`."""
    params = body.get("params")
    method = _METHODS.get(str(body.get("method")), _unknown_method)
    return {"jsonrpc": "2.0", "id": body.get("id"), **method(params if isinstance(params, dict) else {})}


def _tools_list(_: Mapping[str, Any]) -> dict[str, Any]:
    query = {"type": "string", "maxLength": 200}
    schema = {"type": "object", "properties": {"query": query}, "required": ["query"]}
    tool = {"name": "web_search", "description": "Search the web", "inputSchema": schema}
    return {"result": {"tools": [tool]}}


def _tools_call(params: Mapping[str, Any]) -> dict[str, Any]:
    arguments = params.get("arguments")
    query = arguments.get("query") if isinstance(arguments, dict) else None
    if params.get("name") != "web_search" or not isinstance(query, str) or not 1 <= len(query) <= 200:  # noqa: PLR2004
        return {"error": {"code": -32602, "message": "Invalid params"}}
    results = [_page(query, number) for number in (1, 2, 3)]
    found = {"results": results, "totalResults": len(results), "query": query, "error": None}
    text = msgspec.json.encode(found).decode()
    return {"result": {"isError": False, "content": [{"type": "text", "text": text}]}}


def _page(query: str, number: int) -> dict[str, Any]:
    slug = "-".join(query.lower().split())[:60]
    return {
        "title": f"{query}: page {number}",
        "url": f"https://example.com/{slug}/{number}",
        "snippet": f"What page {number} of the simulated web says about {query}.",
        "publishedDate": PUBLISHED,
        "id": f"page-{number}",
        "domain": "example.com",
        "maxVerbatimWordLimit": 30,
        "publicDomain": False,
    }


def _unknown_method(_: Mapping[str, Any]) -> dict[str, Any]:
    return {"error": {"code": -32601, "message": "Method not found"}}


_METHODS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "tools/list": _tools_list,
    "tools/call": _tools_call,
}
