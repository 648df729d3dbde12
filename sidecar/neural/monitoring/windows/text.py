"""What is counted of a text beside its length: the classes of its characters, and the tokens that the reference does not know.

All are shares between 0 and 1, so each is a numeric column with panes like any other. Texts are cut at white space, in lower case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import Column, Kind

PREFIX = "@text:"
CLASSES = ("letters", "digits", "spaces", "punctuation", "beyond_ascii")
NEW_TOKENS = "new_tokens"
MAX_TOKENS = 20_000  # of a column's vocabulary; what is rarer counts as new, in the reference as in the traffic


def _table() -> NDArray[np.uint8]:
    """Byte → its class; control characters are spaces, all bytes of characters beyond ASCII one class."""
    kinds = np.full(256, 4, dtype=np.uint8)
    for byte in range(128):
        char = chr(byte)
        kinds[byte] = 0 if char.isalpha() else 1 if char.isdigit() else 2 if char.isspace() or not char.isprintable() else 3
    return kinds


_CLASS_OF = _table()


def vocabulary(texts: Sequence[str]) -> frozenset[str]:
    """The most frequent tokens, at most 20,000."""
    found = Counter(token for text in texts for token in text.lower().split())
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return frozenset(token for token, _ in ranked[:MAX_TOKENS])


def text_columns(column: Column, known: frozenset[str]) -> dict[str, Column]:
    """Columns named ``@text:<column>:<what>``; missing where the text is missing or empty."""
    texts = [
        "" if gone or value is None else str(value) for value, gone in zip(column.values.tolist(), column.missing, strict=True)
    ]
    shares = {**_class_shares(texts), NEW_TOKENS: np.array([_new_share(text, known) for text in texts], dtype=np.float64)}
    return {
        f"{PREFIX}{column.name}:{what}": Column(f"{PREFIX}{column.name}:{what}", Kind.NUMERIC, values, np.isnan(values))
        for what, values in shares.items()
    }


def _class_shares(texts: Sequence[str]) -> Mapping[str, NDArray[np.float64]]:
    encoded = [text.encode("utf-8", "replace") for text in texts]
    sizes = np.array([len(one) for one in encoded], dtype=np.intp)
    kinds = _CLASS_OF[np.frombuffer(b"".join(encoded), dtype=np.uint8)]
    row = np.repeat(np.arange(len(texts)), sizes)
    counts = np.bincount(row * len(CLASSES) + kinds, minlength=len(texts) * len(CLASSES)).reshape(len(texts), len(CLASSES))
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = counts / np.where(sizes > 0, sizes, np.nan)[:, None]
    return {name: shares[:, at] for at, name in enumerate(CLASSES)}


def _new_share(text: str, known: frozenset[str]) -> float:
    tokens = text.lower().split()
    return sum(token not in known for token in tokens) / len(tokens) if tokens else float("nan")
