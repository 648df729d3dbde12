"""The targets of ``make fuzz``, without its engine: their seeds, and seeds that were damaged, are survived."""

from __future__ import annotations

import functools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fuzz.targets import all_targets

from neural.monitoring.decode import DECODERS

TARGETS = all_targets()
DAMAGE = st.lists(
    st.tuples(st.sampled_from(["flip", "cut", "insert", "swap"]), st.integers(0, 2**16), st.binary(min_size=1, max_size=8)),
    max_size=4,
)


@functools.cache
def seeds(name: str) -> list[bytes]:
    return list(TARGETS[name].seeds())


def damaged(seed: bytes, damage: list[tuple[str, int, bytes]]) -> bytes:
    data = bytearray(seed)
    for kind, place, extra in damage:
        at = place % (len(data) + 1)
        match kind:
            case "flip":
                data[at : at + len(extra)] = extra
            case "cut":
                del data[at : at + len(extra) * 3]
            case "insert":
                data[at:at] = extra
            case _:
                data = data[at:] + data[:at]
    return bytes(data)


def test_every_decoder_is_fuzzed():
    assert {f"decode-{name}" for name in (*DECODERS, "auto")} <= TARGETS.keys()


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_survives_its_seeds_and_their_damage(name):
    found = seeds(name)
    assert found
    for seed in found:
        TARGETS[name].run(seed)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.sampled_from(found), DAMAGE)
    def survives(seed, damage):
        TARGETS[name].run(damaged(seed, damage))

    survives()
