"""The datatypes of the Open Inference Protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from neural.monitoring.records import Kind

NUMPY_TYPES: Final[Mapping[str, np.dtype]] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype("<u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("<i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
"""Little-endian, as on the wire. BF16 and BYTES have no numpy type."""

JSON_KINDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(NUMPY_TYPES, Kind.NUMERIC),
    "BF16": Kind.NUMERIC,
    "BOOL": Kind.BOOLEAN,
    "BYTES": Kind.CATEGORICAL,
    "STRING": Kind.CATEGORICAL,  # not in the specification, sent by some servers
}
