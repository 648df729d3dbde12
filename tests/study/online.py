"""The peers' online detectors as ``streams`` wants them. Needs the environment that ``make study`` makes."""

from __future__ import annotations

import copy
import functools
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.study.shapes import SHAPES
from tests.study.streams import REFERENCE, Setting

BOOTSTRAPS = 5_000


class River:
    """One of river's detectors a feature; any of them alarms. They start anew by themselves."""

    def __init__(self, detectors: list[Any]) -> None:
        self._detectors = detectors

    def step(self, row: NDArray[np.float64]) -> bool:
        drifted = False
        for detector, value in zip(self._detectors, row.tolist(), strict=True):
            detector.update(value)
            drifted |= detector.drift_detected
        return bool(drifted)


def adwin(shape: str, features: int, seed: int, delta: float = 0.002) -> River:
    from river.drift import ADWIN

    return River([ADWIN(delta=delta) for _ in range(features)])


def page_hinkley(shape: str, features: int, seed: int) -> River:
    from river.drift import PageHinkley

    return River([PageHinkley() for _ in range(features)])


def kswin(shape: str, features: int, seed: int, alpha: float = 0.005) -> River:
    from river.drift import KSWIN

    return River([KSWIN(alpha=alpha, seed=seed + at) for at in range(features)])


class Alibi:
    """Starts anew after an alarm, as its documentation says to."""

    def __init__(self, detector: Any) -> None:
        self._detector = detector
        detector.reset_state()

    def step(self, row: NDArray[np.float64]) -> bool:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = bool(self._detector.predict(row.astype(np.float32))["data"]["is_drift"])
        if found:
            self._detector.reset_state()
        return found


REFERENCES = 10
"""Different ones, which streams take turns with: what a peer does depends on the luck of its reference. One for the kernels, which take minutes."""


def _drawn(shape: str, features: int, seed: int) -> NDArray[np.float32]:
    found: NDArray[np.float32] = SHAPES[shape](np.random.default_rng([5, seed]), REFERENCE, features, 0.0).astype(np.float32)
    return found


@functools.cache
def _configured(ert: float, bootstraps: int) -> Any:
    """Thresholds take a minute to simulate, and depend on sizes alone (they are of ranks): worked out once."""
    from alibi_detect.cd import CVMDriftOnline

    return CVMDriftOnline(
        _drawn("normal", 1, 0),
        ert=ert,
        window_sizes=[20, 100],
        n_bootstraps=bootstraps,
        batch_size=500,
        n_features=1,
        verbose=False,
    )


@functools.cache
def _cvm(shape: str, seed: int, ert: float, bootstraps: int) -> Any:
    found = copy.copy(_configured(ert, bootstraps))
    found.x_ref = _drawn(shape, 1, seed)
    found._configure_ref()
    return found


def cvm(shape: str, features: int, seed: int, ert: float = 1_000.0, bootstraps: int = BOOTSTRAPS) -> Alibi:
    return Alibi(_cvm(shape, seed % REFERENCES, ert, bootstraps))


@functools.cache
def _kernel(which: str, shape: str, features: int, seed: int, ert: float) -> Any:
    import alibi_detect.cd as peers

    build = getattr(peers, which)
    reference = _drawn(shape, features, seed)
    return build(reference, ert=ert, window_size=100, backend="pytorch", n_bootstraps=BOOTSTRAPS, verbose=False, device="cpu")


def mmd(shape: str, features: int, seed: int, ert: float = 1_000.0) -> Alibi:
    return Alibi(_kernel("MMDDriftOnline", shape, features, 0, ert))


def lsdd(shape: str, features: int, seed: int, ert: float = 1_000.0) -> Alibi:
    return Alibi(_kernel("LSDDDriftOnline", shape, features, 0, ert))


SETTINGS: Mapping[str, Setting] = {
    "adwin": Setting("river ADWIN, default (δ = .002)", adwin, 1, 80, 20_000_000, 6_000, 5_000),
    "adwin-50": Setting("river ADWIN, default, any of 50 features", adwin, 50, 20, 400_000, 5_000),
    "page-hinkley": Setting("river PageHinkley, default", page_hinkley, 1, 60, 200_000, 2_000),
    "kswin": Setting("river KSWIN, default (α = .005)", kswin, 1, 40, 40_000, 2_000),
    "kswin-careful": Setting(
        "river KSWIN, α = .0001 (its documentation's example)", functools.partial(kswin, alpha=1e-4), 1, 20, 200_000, 2_000
    ),
    "cvm": Setting("alibi-detect CVMDriftOnline, ERT 1,000, windows 20 and 100", cvm, 1, 20, 20_000, 2_000),
    "mmd": Setting("alibi-detect MMDDriftOnline, ERT 1,000, window 100", mmd, 1, 20, 20_000, 2_000),
    "lsdd": Setting("alibi-detect LSDDDriftOnline, ERT 1,000, window 100", lsdd, 1, 20, 20_000, 2_000),
    "mmd-50": Setting("alibi-detect MMDDriftOnline, 50 features, ERT 1,000, window 100", mmd, 50, 20, 20_000, 2_000),
}
