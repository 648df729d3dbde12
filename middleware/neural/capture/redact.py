"""Blanks fields of JSON bodies before anything leaves the process, on the shipper's thread.

Where redaction is asked for and a body can't be read (no JSON, cut off, an unknown encoding), the body is left out.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from neural.capture.body import LongBody
from neural.capture.record import Body, RawHeaders
from neural.capture.settings import Settings, SettingsError
from neural.wire.event import Protocol

REDACTED: Final = "[redacted]"
_MAX_DEPTH: Final = 64
_MAX_INFLATED: Final = 8 * 2**20
_WINDOW: Final = {b"gzip": 31, b"deflate": 15}  # zlib's wbits

Path = tuple[str, ...]


Redactor = Callable[[int, Body, RawHeaders], bytes | None]
"""(protocol, body, its headers) → the body without what must not leave the process; None when it must be left out."""


def make_redactor(settings: Settings) -> Redactor | None:
    """None when nothing is to be redacted. Raises SettingsError for an empty path."""
    if not settings.redact:
        return None
    paths = [_parse(text) for text in settings.redact]
    return partial(_redacted, paths)


def _parse(text: str) -> Path:
    path = tuple(text.removeprefix("$.").split("."))
    if not all(path):
        raise SettingsError(f"redact: {text!r} is no path; write user.email, instances.*.ssn or **.token")
    return path


def _redacted(paths: Sequence[Path], protocol: int, body: Body, headers: RawHeaders) -> bytes | None:
    import json  # only where redaction is asked for

    if isinstance(body, LongBody):
        if body.lost or body.off:
            return None
        body = b"".join(body.chunks)
    if not body:
        return body
    try:
        if protocol != Protocol.HTTP:
            raise ValueError("no JSON")
        document = json.loads(_inflated(body, _encoding(headers)))
        for path in paths:
            blank(document, path)
        return _deflated(json.dumps(document, separators=(",", ":")).encode(), _encoding(headers))
    except (ValueError, zlib.error, RecursionError, MemoryError):
        return None


def blank(node: Any, path: Path, depth: int = 0) -> None:
    """Replace what the path leads to. ``*`` is any key or index, ``**`` any number of steps; lists may be left out of a path."""
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply to redact")
    step, rest = path[0], path[1:]
    if isinstance(node, list) and step not in {"*", "**"} and not step.isdigit():
        for item in node:
            blank(item, path, depth + 1)
        return
    if step == "**" and rest:
        blank(node, rest, depth + 1)
        for key in _keys(node, "*"):
            blank(node[key], path, depth + 1)
        return
    for key in _keys(node, "*" if step == "**" else step):
        if rest:
            blank(node[key], rest, depth + 1)
        else:
            node[key] = REDACTED


def _keys(node: Any, step: str) -> list[Any]:
    if isinstance(node, dict):
        return list(node) if step == "*" else [step] if step in node else []
    if isinstance(node, list):
        if step == "*":
            return list(range(len(node)))
        return [int(step)] if step.isdigit() and int(step) < len(node) else []
    return []


def _encoding(headers: Any) -> bytes:
    for name, value in headers:
        if name.lower() == b"content-encoding":
            return bytes(value.strip().lower())
    return b""


def _inflated(body: bytes, encoding: bytes) -> bytes:
    if encoding in {b"", b"identity"}:
        return body
    inflater = zlib.decompressobj(_WINDOW.get(encoding, 0) or _refuse(encoding))
    data = inflater.decompress(body, _MAX_INFLATED)
    if inflater.unconsumed_tail or not inflater.eof:
        raise ValueError("too large or cut off")
    return data


def _deflated(body: bytes, encoding: bytes) -> bytes:
    """Back in the encoding its header names."""
    if encoding in {b"", b"identity"}:
        return body
    deflater = zlib.compressobj(1, zlib.DEFLATED, _WINDOW[encoding])
    return deflater.compress(body) + deflater.flush()


def _refuse(encoding: bytes) -> int:
    raise ValueError(f"content encoding {encoding!r} can't be read here")
