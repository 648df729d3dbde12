"""A request that still runs: its two bodies, and how it ends."""

from __future__ import annotations

from typing import Any, Final

from neural.capture.account import INTERNAL, Account
from neural.capture.body import LongBody, long_body
from neural.capture.record import Body, Origin, RawHeaders
from neural.wire.event import Flag

_BODIES_OFF: Final = int(Flag.BODIES_OFF)


class _Nobody:
    """Who a body is charged to that goes on after its request's end: nothing of it is kept."""

    request_cap = response_cap = 0

    def reserve(self, _size: int) -> bool:
        return False

    def release(self, _size: int) -> None:
        """Nothing was charged."""


_NOBODY: Final[Any] = _Nobody()


class Underway:
    """What is noted of a request while it runs. Whoever makes one sets every attribute, by ``set_out`` or in its own code.

    Of each body: ``…_body`` is the one small chunk it consists of so far, and ``…_long`` what holds it once it is more than
    that. A chunk of at most ``…_room`` bytes is small.
    """

    __slots__ = (
        "account", "ended_ns", "first_byte_ns", "flags", "method", "origin", "outcome", "path", "prediction_id", "query",
        "request_body", "request_headers", "request_long", "request_room", "response_body", "response_headers", "response_long",
        "response_room", "span_id", "started_ns", "status",
    )  # fmt: skip

    account: Account
    origin: Origin
    method: str
    path: str
    query: bytes
    request_headers: RawHeaders
    response_headers: RawHeaders
    prediction_id: bytes
    span_id: bytes
    started_ns: int
    first_byte_ns: int
    ended_ns: int  # 0: the response is not complete
    status: int
    outcome: int
    flags: int
    request_body: bytes
    request_long: LongBody | None
    request_room: int
    response_body: bytes
    response_long: LongBody | None
    response_room: int

    def keep_request(self, chunk: bytes) -> None:
        """Any chunk of the request's body."""
        if self.request_long is not None:
            self.request_long.add(chunk)
        elif not self.request_body and len(chunk) <= self.request_room:
            self.request_body = chunk
        else:
            self.request_long = long_body(self.account, self.account.request_cap, self.request_body, chunk)

    def keep_response(self, chunk: bytes) -> None:
        """Any chunk of the response's body."""
        if self.response_long is not None:
            self.response_long.add(chunk)
        elif not self.response_body and len(chunk) <= self.response_room:
            self.response_body = chunk
        else:
            self.response_long = long_body(self.account, self.account.response_cap, self.response_body, chunk)

    def lose_bodies(self) -> None:
        """Something came that is no message: let go of the bodies; sizes go on being counted."""
        if self.request_long is None:
            self.request_long = long_body(self.account, 0, self.request_body, b"")
        if self.response_long is None:
            self.response_long = long_body(self.account, 0, self.response_body, b"")
        self.request_long.let_go()
        self.response_long.let_go()
        self.flags |= _BODIES_OFF

    def finish(self) -> None:
        """The request is over: into the books. To be called once, whatever happened; never raises.

        What ``Account.finish`` does for the plain case is written out here: a call less.
        """
        account = self.account
        try:
            charged = 0
            request: Body = self.request_body
            if self.request_long is not None:
                request = self.request_long
                charged = request.finish()
            response: Body = self.response_body
            if self.response_long is not None:
                response = self.response_long
                charged += response.finish()
            row = (
                charged, 1.0, self.origin, self.method, self.path, self.query, self.request_headers, self.response_headers,
                self.prediction_id, self.span_id, self.started_ns, self.first_byte_ns, self.ended_ns, self.status, self.outcome,
                self.flags, request, response,
            )  # fmt: skip
            ring = account.ring
            waiting = len(ring)
            if waiting < account.places and account.keeps_all:
                ring.append(row)
                if waiting == account.wake_at:
                    account.wake.set()
            else:
                account.finish(row)
        except Exception:
            self._forfeit(account)
        # A chunk that comes after the end finds no room, and nobody to charge for it.
        self.request_room = self.response_room = -1
        self.request_long = self.response_long = None
        self.account = _NOBODY

    def _forfeit(self, account: Account) -> None:
        """A mistake of ours. What was charged for is given back."""
        for long in (self.request_long, self.response_long):
            if long is not None:
                long.let_go()
        account.drop_started(INTERNAL)
