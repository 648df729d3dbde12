"""Who may change things: whoever has the token; without a token, only who comes from this machine, and no foreign web page."""

from __future__ import annotations

import hmac
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request

from neural.monitoring.api.problems import Problem

_LOCAL_NAMES = frozenset({"localhost", "ip6-localhost"})
_BEARER = "bearer "


def require_access(request: Request, token: str | None) -> None:
    """Raise Problem 401 or 403 when this request may not change anything, nor see what is private.

    A browser on this machine is led by any page it shows: a request with a foreign Origin is refused, and bodies must be declared as
    JSON (see ``body``), which a foreign page can't do without a preflight that is never answered.
    """
    origin = request.headers.get("origin")
    if origin and urlsplit(origin).netloc != request.headers.get("host", ""):
        raise Problem(403, "requests from other origins may not change anything")
    if token is None:
        if not _from_this_machine(request):
            raise Problem(403, "without a token in the configuration (dashboard.token), only this machine may do this")
        return
    given = request.headers.get("authorization", "")
    if given[: len(_BEARER)].lower() != _BEARER or not _same(given[len(_BEARER) :].strip(), token):
        raise Problem(401, "this needs the token: Authorization: Bearer …", headers={"WWW-Authenticate": "Bearer"})


def _same(given: str, token: str) -> bool:
    """In constant time. Headers are bytes that Starlette reads as Latin-1."""
    return hmac.compare_digest(given.encode("latin-1", "replace"), token.encode())


def _from_this_machine(request: Request) -> bool:
    """True for Unix sockets, which have no address, and for loopback called by a local name.

    The name is looked at because a foreign page may have its own name resolved to 127.0.0.1 (DNS rebinding).
    """
    if request.client is None or not request.client.host:
        return True
    return _is_loopback(request.client.host) and _is_loopback(request.url.hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() in _LOCAL_NAMES
