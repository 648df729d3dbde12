"""Every target by name."""

from __future__ import annotations

from tests.fuzz.decoders import decoder_targets
from tests.fuzz.files import file_targets
from tests.fuzz.inputs import input_targets
from tests.fuzz.target import Target


def all_targets() -> dict[str, Target]:
    return {**input_targets(), **file_targets(), **decoder_targets()}
