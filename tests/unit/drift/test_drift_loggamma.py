from __future__ import annotations

import numpy as np
import pytest
from scipy.special import betaln

from neural.monitoring.drift.loggamma import log_beta


@pytest.mark.parametrize(("least", "most"), [(1e-3, 1.0), (0.5, 10.0), (1.0, 1e4), (1e4, 1e9)])
def test_it_is_scipys_logarithm_of_the_beta_function(least, most):
    random = np.random.default_rng(0)
    a, b = np.exp(random.uniform(np.log(least), np.log(most), (2, 20_000)))
    assert log_beta(a, b) == pytest.approx(betaln(a, b), rel=1e-7, abs=1e-7)
