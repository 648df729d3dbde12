"""Bytes to rows: decoders for the protocols model servers speak, behind one registry."""

from __future__ import annotations

from neural.monitoring.decode.categories import category, class_name
from neural.monitoring.decode.decoding import Decoding
from neural.monitoring.decode.excerpt import excerpt
from neural.monitoring.decode.parsed import Decoded, Decoder, Exchange, Reason, Undecodable, Unparsed
from neural.monitoring.decode.redaction import redact
from neural.monitoring.decode.registry import DECODERS
from neural.monitoring.decode.settings import DecodeSettings, FeatureSettings, FeatureSpec, MappingSettings, OutputSettings

__all__ = [
    "DECODERS",
    "DecodeSettings",
    "Decoded",
    "Decoder",
    "Decoding",
    "Exchange",
    "FeatureSettings",
    "FeatureSpec",
    "MappingSettings",
    "OutputSettings",
    "Reason",
    "Undecodable",
    "Unparsed",
    "category",
    "class_name",
    "excerpt",
    "redact",
]
