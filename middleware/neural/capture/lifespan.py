"""The server's own shutdown: what is left is shipped before the application is told that it has ended."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final

from neural.capture.exchange import Message, Send
from neural.capture.recorder import Recorder

_ENDINGS: Final = frozenset({"lifespan.shutdown.complete", "lifespan.shutdown.failed"})


def flush_at_shutdown(send: Send, recorder: Recorder) -> Send:
    """``send`` of a lifespan scope, with a bounded flush before the last message."""

    async def send_after_flush(message: Message) -> None:
        if message.get("type") in _ENDINGS:
            await _off_the_loop(recorder.close)
        await send(message)

    return send_after_flush


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
