"""All routes of the owner's API, in the order in which its document shows them."""

from typing import Any

from kiro_trio.admin import (
    accounts,
    changes,
    clients,
    config,
    importing,
    live,
    login,
    openapi,
    records,
    shapes,
    sign_ins,
)
from kiro_trio.admin.problems import Kind
from kiro_trio.admin.routes import Asked, Nothing, Route
from kiro_trio.gateway.settled import SettledRequest

_ASKS_KIRO = frozenset({Kind.UPSTREAM, Kind.UNAVAILABLE})
_MAY_BE_CLOSED = frozenset({Kind.UNAVAILABLE})


async def _document(_asked: Asked) -> dict[str, Any]:
    return openapi.document(ROUTES)


ROUTES: tuple[Route, ...] = (
    # Accounts, as kiro.rs has them
    Route("GET", "/credentials", accounts.list_credentials, "All accounts", shapes.Credentials),
    Route(
        "POST",
        "/credentials",
        changes.add_credential,
        "Add an account",
        shapes.Added,
        changes.NewCredential,
        troubles=_ASKS_KIRO,
    ),
    Route(
        "DELETE", "/credentials/{id}", changes.remove_credential, "Remove a disabled account", shapes.Success
    ),
    Route(
        "POST",
        "/credentials/{id}/disabled",
        changes.switch_credential,
        "Switch off or on",
        shapes.Success,
        changes.Switch,
    ),
    Route(
        "POST",
        "/credentials/{id}/priority",
        changes.prioritise_credential,
        "Change the priority",
        shapes.Success,
        changes.NewPriority,
    ),
    Route("POST", "/credentials/{id}/reset", changes.reset_credential, "Wipe the slate", shapes.Success),
    Route(
        "POST",
        "/credentials/{id}/refresh",
        changes.renew_credential,
        "Renew the token",
        shapes.Success,
        troubles=_ASKS_KIRO,
    ),
    Route(
        "GET",
        "/credentials/{id}/balance",
        accounts.show_balance,
        "What is left",
        shapes.Balance,
        query=accounts.HowFresh,
        troubles=_ASKS_KIRO,
    ),
    Route("GET", "/config/load-balancing", config.show_mode, "Order of accounts", config.Mode),
    Route("PUT", "/config/load-balancing", config.set_mode, "Change the order", config.Mode, config.Mode),
    # Accounts, beyond that
    Route("GET", "/credentials/{id}", accounts.show_credential, "One account", shapes.CredentialStatus),
    Route(
        "PATCH",
        "/credentials/{id}",
        changes.edit_credential,
        "Edit",
        shapes.Success,
        changes.EditedCredential,
    ),
    Route(
        "POST",
        "/credentials/import",
        importing.import_credentials,
        "Import many",
        importing.ImportResult,
        importing.Import,
    ),
    Route(
        "GET",
        "/credentials/stores",
        importing.list_stores,
        "Official stores on this machine",
        importing.Stores,
    ),
    Route(
        "POST",
        "/credentials/export",
        importing.export_credentials,
        "Export with secrets",
        importing.Exported,
        importing.Export,
    ),
    # Signing in
    Route(
        "POST",
        "/sign-ins",
        sign_ins.begin_sign_in,
        "Sign in",
        sign_ins.SignIn,
        sign_ins.NewSignIn,
        troubles=_MAY_BE_CLOSED,
    ),
    Route("GET", "/sign-ins", sign_ins.list_sign_ins, "Sign-ins", sign_ins.SignIns),
    Route("GET", "/sign-ins/{signIn}", sign_ins.show_sign_in, "One sign-in", sign_ins.SignIn),
    Route(
        "POST",
        "/sign-ins/{signIn}/address",
        sign_ins.bring_address,
        "Finish with the browser's address",
        sign_ins.SignIn,
        sign_ins.Address,
    ),
    Route("DELETE", "/sign-ins/{signIn}", sign_ins.cancel_sign_in, "Cancel", shapes.Success),
    # Requests
    Route("GET", "/live", live.show_live, "What runs now", live.Picture),
    Route("GET", "/live/events", live.feed_live, "The same as server-sent events", live.Picture),
    Route("POST", "/live/{request}/cancel", live.cancel_request, "Cancel a request", shapes.Success),
    Route(
        "GET",
        "/requests",
        records.list_requests,
        "Recent requests",
        records.Recent,
        query=records.Which,
        troubles=_MAY_BE_CLOSED,
    ),
    Route(
        "GET",
        "/requests/{request}",
        records.show_request,
        "One recent request",
        SettledRequest,
        troubles=_MAY_BE_CLOSED,
    ),
    Route(
        "GET",
        "/usage",
        records.show_usage,
        "Usage summed up",
        records.Usage,
        query=records.Span,
        troubles=_MAY_BE_CLOSED,
    ),
    Route(
        "GET",
        "/usage/latency",
        records.show_latency,
        "Latencies",
        records.Latency,
        query=records.TimeSpan,
        troubles=_MAY_BE_CLOSED,
    ),
    # Client keys
    Route("GET", "/keys", clients.list_keys, "Client keys", clients.Keys),
    Route("POST", "/keys", clients.make_key, "Make a key", clients.MadeKey, clients.NewKey),
    Route("PATCH", "/keys/{key}", clients.edit_key, "Change its limits", clients.Key, clients.EditedKey),
    Route("DELETE", "/keys/{key}", clients.revoke_key, "Revoke a key", shapes.Success),
    # The gateway
    Route("GET", "/status", config.show_status, "At a glance", config.Status),
    Route("GET", "/models", config.list_models, "Models", config.Models),
    Route("GET", "/config", config.show_settings, "All settings", config.Configuration),
    Route("GET", "/config/log-level", config.show_level, "Log level", config.Level),
    Route("PUT", "/config/log-level", config.set_level, "Change the log level", config.Level, config.Level),
    Route("POST", "/reload", config.reload_files, "Read both files again", config.Reloaded),
    # Sessions of the page
    Route("POST", "/session", login.log_in, "Log in", login.Entrance, login.Login, Nothing, public=True),
    Route("GET", "/session", login.show_session, "The session", login.Entrance),
    Route("DELETE", "/session", login.log_out, "Log out", shapes.Success),
    Route("GET", "/openapi.json", _document, "This document", dict[str, Any]),
)
