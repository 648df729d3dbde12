"""Values that must not be kept are hashed, masked or dropped before they leave the decoder."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import numpy as np
from pydantic import SecretStr

from neural.monitoring.decode.categories import category
from neural.monitoring.decode.settings import FeatureSpec
from neural.monitoring.records import Column, Kind

MASK: Final = "***"
_DIGEST_CHARACTERS: Final = 16  # 64 bits: a million distinct values collide with a chance of 3 in 10^8


def redact(column: Column, spec: FeatureSpec, key: SecretStr) -> Column | None:
    """The column as ``spec.redact`` asks: hashed or masked values are categories; None when it is dropped."""
    if spec.redact is None:
        return column
    if spec.redact == "drop":
        return None
    if column.kind is Kind.EMBEDDING:
        return None  # a vector has no single value to hash
    present = ~column.missing if column.invalid is None else ~column.missing & ~column.invalid
    hidden = np.full(len(column), None, dtype=object)
    if spec.redact == "mask":
        hidden[present] = MASK
    else:
        secret = key.get_secret_value().encode()
        hidden[present] = [keyed_hash(category(value) or "", secret) for value in column.values[present].tolist()]
    return Column(column.name, Kind.CATEGORICAL, hidden, column.missing, column.invalid)


def keyed_hash(text: str, key: bytes) -> str:
    """HMAC-SHA-256 of the text, its first 16 hexadecimal digits."""
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:_DIGEST_CHARACTERS]
