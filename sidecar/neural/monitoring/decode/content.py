"""Content-Encoding: compressed bodies are unpacked with a bound, so that a small bomb stays small."""

from __future__ import annotations

import zlib
from typing import Final

from neural.monitoring.decode.parsed import Reason, Undecodable

# Window bits of zlib.decompressobj: 31 = gzip, 47 = gzip or zlib by its header.
_GZIP_OR_ZLIB: Final = 47
_RAW_DEFLATE: Final = -15
_IDENTITY: Final = frozenset({"", "identity"})
_MAX_LAYERS: Final = 3


def unpack(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """The body without its Content-Encoding (``gzip``, ``deflate``, or several, comma-separated). Raises Undecodable."""
    layers = [layer.strip().lower() for layer in encoding.split(",")] if encoding else []
    if len(layers) > _MAX_LAYERS:
        raise Undecodable(Reason.BAD_ENCODING, f"{len(layers)} layers of Content-Encoding")
    for layer in reversed(layers):
        body = _unpack_layer(body, layer, max_bytes)
    if len(body) > max_bytes:
        raise Undecodable(Reason.TOO_LARGE, f"{len(body)} bytes, at most {max_bytes} are decoded")
    return body


def _unpack_layer(body: bytes, layer: str, max_bytes: int) -> bytes:
    if layer in _IDENTITY:
        return body
    if layer in ("gzip", "x-gzip"):
        return _inflate(body, _GZIP_OR_ZLIB, max_bytes)
    if layer == "deflate":  # RFC 9110 means zlib, some clients send raw deflate
        zlib_header = len(body) > 1 and body[0] & 0x0F == 8 and (body[0] * 256 + body[1]) % 31 == 0
        return _inflate(body, _GZIP_OR_ZLIB if zlib_header else _RAW_DEFLATE, max_bytes)
    raise Undecodable(Reason.BAD_ENCODING, f"Content-Encoding {layer[:20]!r} is not understood")


def _inflate(body: bytes, window_bits: int, max_bytes: int) -> bytes:
    inflater = zlib.decompressobj(window_bits)
    try:
        out = inflater.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise Undecodable(Reason.BAD_ENCODING, "the compressed body is damaged") from error
    if len(out) > max_bytes:
        raise Undecodable(Reason.TOO_LARGE, f"more than {max_bytes} bytes once unpacked")
    if not inflater.eof:
        raise Undecodable(Reason.TRUNCATED, "the compressed body ends too early")
    return out
