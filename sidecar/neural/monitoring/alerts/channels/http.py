"""One POST, and what its answer means. Never follows redirects; the URL comes from the configuration only."""

from __future__ import annotations

import email.utils
from collections.abc import Mapping
from typing import TYPE_CHECKING

from neural.monitoring.alerts.channels.protocol import DeliveryResult
from neural.monitoring.clock import Clock, system_clock

if TYPE_CHECKING:
    import httpx

_MOST_ANSWER_BYTES = 2048
_LONGEST_RETRY_AFTER_SECONDS = 3600.0
_RETRYABLE_STATUS = frozenset({408, 425, 429})


class HTTPPoster:
    """A client with its own connection pool and timeouts: ``timeout`` seconds for connecting, for each write and for each read."""

    def __init__(self, *, timeout: float = 10.0, verify: bool = True, clock: Clock = system_clock) -> None:
        import httpx  # only where a channel needs it: it takes 50 ms and 3 MB

        self._never_sent = (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.PoolTimeout,
            httpx.UnsupportedProtocol,
            httpx.InvalidURL,
        )
        self._hopeless, self._failures = (httpx.UnsupportedProtocol, httpx.InvalidURL), httpx.HTTPError
        self._client = httpx.Client(timeout=timeout, verify=verify, follow_redirects=False, trust_env=True)
        self._timeout = timeout
        self._clock = clock

    def post(self, url: str, body: bytes, headers: Mapping[str, str], *, accept: str = "") -> DeliveryResult:
        """POST the body. ``accept``: what a successful answer's text must start with, where the receiver says so.

        Only 2xx is success. 408, 425, 429 and 5xx are worth another try; other answers are not. Without an answer after the request was
        sent, the receiver may have it: ambiguous.
        """
        try:
            with self._client.stream("POST", url, content=body, headers=dict(headers)) as response:
                text = self._read(response)
                return self._judge(response, text, accept)
        except self._never_sent as error:
            return DeliveryResult(ok=False, detail=_words(error), retryable=not isinstance(error, self._hopeless))
        except self._failures as error:
            return DeliveryResult(ok=False, detail=_words(error), retryable=True, ambiguous=True)

    def close(self) -> None:
        """Close idle connections."""
        self._client.close()

    def _read(self, response: httpx.Response) -> str:
        """The beginning of the answer. An answer that breaks off is judged by its status."""
        data, deadline = b"", self._clock() + self._timeout
        try:
            for chunk in response.iter_raw(_MOST_ANSWER_BYTES):
                data += chunk
                if len(data) >= _MOST_ANSWER_BYTES or self._clock() > deadline:
                    break
        except self._failures:
            pass
        return data[:_MOST_ANSWER_BYTES].decode("utf-8", "replace").strip()

    def _judge(self, response: httpx.Response, text: str, accept: str) -> DeliveryResult:
        status = response.status_code
        if response.is_success and (not accept or text.startswith(accept)):
            return DeliveryResult(ok=True, detail=f"HTTP {status}")
        detail = f"HTTP {status}" + (f": {text[:200]}" if text else "")
        if response.is_redirect:
            return DeliveryResult(ok=False, detail=f"{detail} (redirects are not followed: configure the final address)")
        retryable = status in _RETRYABLE_STATUS or status >= 500
        return DeliveryResult(
            ok=False, detail=detail, retryable=retryable, ambiguous=status >= 502, retry_after_seconds=self._retry_after(response)
        )

    def _retry_after(self, response: httpx.Response) -> float | None:
        value = response.headers.get("retry-after", "").strip()
        if not value:
            return None
        if value.isdigit():
            return min(float(value), _LONGEST_RETRY_AFTER_SECONDS)
        try:
            wait = email.utils.parsedate_to_datetime(value).timestamp() - self._clock()
        except (TypeError, ValueError):
            return None
        return min(max(wait, 0.0), _LONGEST_RETRY_AFTER_SECONDS)


def _words(error: Exception) -> str:
    """The error without the URL, which may be a secret."""
    return (
        f"{type(error).__name__}: {error}".partition("://")[0][:200]
        if "://" in str(error)
        else f"{type(error).__name__}: {error}"[:200]
    )
