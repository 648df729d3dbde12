"""What a sidecar leaves out is not missed: functions are the same ones, and the rest comes when it is asked for."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from scipy import special

pytestmark = pytest.mark.timeout(60)
_LEAN = "from neural.monitoring.cli.lean import leave_out; leave_out(); import json, sys; "


def _in_a_sidecar(code: str) -> object:
    """What the code prints, in a process that has left out what it may."""
    done = subprocess.run([sys.executable, "-c", _LEAN + code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_sidecar_loads_no_pandas_no_tests_and_no_terminal() -> None:
    heavy = [
        "pandas",
        "unittest",
        "numpy.f2py",
        "numpy.ma",
        "pyarrow.compute",
        "httpx",
        "rich",
        "prompt_toolkit",
        "scipy.stats",
        "plotly",
        "opentelemetry",
    ]
    code = f"import neural.monitoring.app.run; import pyarrow as pa; pa.array(['a', None]); print(json.dumps([one for one in {heavy!r} if one in sys.modules]))"
    assert _in_a_sidecar(code) == []


def test_compiled_functions_are_scipys() -> None:
    code = "from scipy.special import ndtri, gammaincc, chdtrc, kv; print(json.dumps([ndtri(0.9), gammaincc(2.5, 3.0), chdtrc(9, 12.0), kv(0.25, 2.0)]))"
    assert _in_a_sidecar(code) == [
        special.ndtri(0.9),
        special.gammaincc(2.5, 3.0),
        special.chdtrc(9, 12.0),
        special.kv(0.25, 2.0),
    ]


@pytest.mark.slow
def test_what_was_left_out_comes_when_it_is_asked_for() -> None:
    code = "import scipy.special; a = scipy.special.comb(5, 2); from scipy import stats; import pandas; print(json.dumps([a, stats.norm.cdf(0.0), len(pandas.DataFrame({'a': [1]})), hasattr(scipy.special, 'nonesuch')]))"
    assert _in_a_sidecar(code) == [10.0, 0.5, 1, False]
