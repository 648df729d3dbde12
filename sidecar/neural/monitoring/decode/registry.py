"""Every decoder, in the order in which they are asked whether a body is theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from neural.monitoring.decode.parsed import Decoder
from neural.monitoring.decode.protocols.v1 import V1
from neural.monitoring.decode.protocols.v2 import V2
from neural.monitoring.decode.settings import DecodeSettings
from neural.monitoring.errors import ConfigError

DECODERS: Final[Mapping[str, Callable[[DecodeSettings], Decoder]]] = {
    "v2": lambda _: V2(),
    "v1": lambda _: V1(),
}
"""Name → constructor. ``protocol:`` in the configuration takes these names."""


def build_decoders(settings: DecodeSettings) -> list[Decoder]:
    """The decoders to ask, in order; only the one that ``settings.protocol`` names, unless it says auto."""
    if settings.protocol == "auto":
        return [build(settings) for build in DECODERS.values()]
    if settings.protocol not in DECODERS:
        known = ", ".join(("auto", *DECODERS))
        raise ConfigError(f"{settings.protocol!r} is no protocol", key="capture.protocol", hint=f"one of {known}")
    return [DECODERS[settings.protocol](settings)]
