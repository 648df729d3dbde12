"""Bearer tokens, compared in constant time."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Final

from pydantic import SecretStr

_PREFIX: Final = "Bearer "


def is_allowed(authorization: str, tokens: Iterable[SecretStr]) -> bool:
    """True when the header's value carries one of the tokens."""
    given = authorization.removeprefix(_PREFIX).encode() if authorization.startswith(_PREFIX) else b""
    # Every token is compared, so that the time taken does not tell which one came close.
    matches = [hmac.compare_digest(given, token.get_secret_value().encode()) for token in tokens]
    return any(matches)
