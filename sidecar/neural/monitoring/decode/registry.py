"""Every decoder, in the order in which they are asked whether a body is theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from neural.monitoring.decode.parsed import Decoder
from neural.monitoring.decode.protocols.mlflow import MLflow
from neural.monitoring.decode.protocols.plain import BentoML, MappedJSON, PlainJSON, TorchServe
from neural.monitoring.decode.protocols.protobuf import DescribedProtobuf
from neural.monitoring.decode.protocols.sagemaker import SageMaker
from neural.monitoring.decode.protocols.seldon import Seldon
from neural.monitoring.decode.protocols.v1 import V1
from neural.monitoring.decode.protocols.v2 import V2
from neural.monitoring.decode.protocols.v2_grpc import V2Grpc
from neural.monitoring.decode.settings import DecodeSettings
from neural.monitoring.errors import ConfigError


def _mapped(settings: DecodeSettings) -> Decoder:
    if settings.mapping is None:
        raise ConfigError(
            "protocol: mapping needs a mapping", key="capture.mapping", hint="say where features and prediction are"
        )
    return MappedJSON(settings.mapping)


DECODERS: Final[Mapping[str, Callable[[DecodeSettings], Decoder]]] = {
    "v2": lambda _: V2(),
    "v2-grpc": lambda _: V2Grpc(),
    "v1": lambda _: V1(),
    "seldon": lambda _: Seldon(),
    "torchserve": lambda _: TorchServe(),
    "mlflow": lambda settings: MLflow(settings.max_rows),
    "sagemaker": lambda settings: SageMaker(settings.max_rows),
    "protobuf": DescribedProtobuf,
    "mapping": _mapped,
    "bentoml": lambda _: BentoML(),
    "json": lambda settings: PlainJSON(any_path=settings.protocol == "json"),
}
"""Name → constructor. ``protocol:`` in the configuration takes these names."""


def build_decoders(settings: DecodeSettings) -> list[Decoder]:
    """The decoders to ask, in order; only the one that ``settings.protocol`` names, unless it says auto."""
    if settings.protocol == "auto":
        names = [name for name in DECODERS if name != "mapping" or settings.mapping is not None]
        return [DECODERS[name](settings) for name in names]
    if settings.protocol not in DECODERS:
        known = ", ".join(("auto", *DECODERS))
        raise ConfigError(f"{settings.protocol!r} is no protocol", key="capture.protocol", hint=f"one of {known}")
    return [DECODERS[settings.protocol](settings)]
