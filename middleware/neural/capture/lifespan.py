"""The server's own shutdown: what is left is shipped before the application is told that it has ended."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final

from neural.capture.exchange import Message, Receive, Scope, Send
from neural.capture.recorder import Recorder

App = Callable[[Scope, Receive, Send], Awaitable[None]]

_ENDINGS: Final = frozenset({"lifespan.shutdown.complete", "lifespan.shutdown.failed"})


async def run_lifespan(app: App, scope: Scope, receive: Receive, send: Send, recorder: Recorder) -> None:
    """The application's lifespan, with a bounded flush before its last message. For one that knows of no lifespan (it raises, or
    returns without a word) we answer: servers such as uvicorn end by the signal itself then, and nothing else would ship what is left.
    """
    asked = answered = False

    async def receive_noting() -> Message:
        nonlocal asked
        asked = True
        return await receive()

    async def send_after_flush(message: Message) -> None:
        nonlocal answered
        answered = True
        if message.get("type") in _ENDINGS:
            await _off_the_loop(recorder.close)
        await send(message)

    try:
        await app(scope, receive_noting, send_after_flush)
    except Exception:
        if answered:
            raise
    if answered:
        return
    if not asked:
        await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send_after_flush({"type": "lifespan.shutdown.complete"})


def _off_the_loop(work: Callable[[], None]) -> Awaitable[Any]:
    """In a thread where asyncio runs, so that a sidecar on the same loop can answer; else here and now (it is bounded)."""
    asyncio = sys.modules.get("asyncio")  # a server that uses it has imported it
    try:
        if asyncio is not None:
            loop = asyncio.get_running_loop()
            return loop.run_in_executor(None, work)  # type: ignore[no-any-return]  # asyncio is untyped through sys.modules
    except RuntimeError:  # another event loop
        pass
    return _at_once(work)


async def _at_once(work: Callable[[], None]) -> None:
    work()
