"""The drift methods by name: settings, signals, documentation and the conformance suite all read this table."""

from __future__ import annotations

from collections.abc import Mapping

from neural.monitoring.drift.chi2 import ChiSquared
from neural.monitoring.drift.cramer_von_mises import CramerVonMises
from neural.monitoring.drift.hellinger import Hellinger
from neural.monitoring.drift.jensen_shannon import JensenShannon
from neural.monitoring.drift.ks import KolmogorovSmirnov
from neural.monitoring.drift.method import Method
from neural.monitoring.drift.psi import PopulationStability
from neural.monitoring.drift.wasserstein import Wasserstein

METHODS: Mapping[str, Method] = {
    method.name: method
    for method in (
        KolmogorovSmirnov(),
        PopulationStability(),
        Wasserstein(),
        ChiSquared(),
        JensenShannon(),
        Hellinger(),
        CramerVonMises(),
    )
}
