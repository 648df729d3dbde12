"""The shape of a body without its values: enough to see why it could not be read, too little to learn anything about anybody."""

from __future__ import annotations

import re
from typing import Final

MAX_BYTES: Final = 4096  # looked at
MAX_CHARACTERS: Final = 160
MAX_KEY: Final = 40  # a key longer than this is a value in a key's place
_JSON_STARTS = ("{", "[", '"')
_TOKEN = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)(?P<end>"?)(?P<key>\s*:)?|(?P<number>-?\d[\w.+-]*)|(?P<word>[^\W\d_]\w*)')
_KEY = re.compile(r"[A-Za-z_][A-Za-z_.\- ]*[0-9]{0,3}")
_BARE_WORDS = frozenset({"true", "false", "null", "NaN", "Infinity"})


def excerpt(body: bytes) -> str:
    """JSON with its keys and brackets, other text with x for letters and 0 for digits; of bytes that are no text only the size."""
    if not body:
        return "an empty body"
    try:
        text = body[:MAX_BYTES].decode()
    except UnicodeDecodeError as error:
        if error.start < min(len(body), MAX_BYTES) - 4:  # not just a character cut in two
            return f"{len(body):,} bytes that are no text"
        text = body[: error.start].decode()
    shape = _TOKEN.sub(_hidden, text) if text.lstrip().startswith(_JSON_STARTS) else _masked(text)
    shape = " ".join(shape.split())
    return shape if len(shape) <= MAX_CHARACTERS else shape[:MAX_CHARACTERS] + "…"


def _hidden(token: re.Match[str]) -> str:
    if token["number"] is not None:
        return "0"
    if token["word"] is not None:
        return token["word"] if token["word"] in _BARE_WORDS else _masked(token["word"])
    text, key = token["text"], token["key"] or ""
    is_name = bool(key) and len(text) <= MAX_KEY and _KEY.fullmatch(text) is not None
    return f'"{text if is_name else "…"}{token["end"]}{key}'


def _masked(text: str) -> str:
    return "".join("x" if letter.isalpha() else "0" if letter.isdigit() else letter for letter in text)
