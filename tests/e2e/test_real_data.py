"""Real records through a real sidecar on the data's own clock: the short version of ``make realdata``, with what scikit-learn carries."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.realdata.__main__ import observe
from tests.realdata.deployment import DAY
from tests.realdata.findings import scikit_learns
from tests.realdata.page import page
from tests.realdata.sets import cancer, diabetes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(240),
    # httpcore leaves the socket of a refused connection to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """All labels in one window, so that the last word is about all of them."""
    return {
        make.__name__: observe(replace(make(), labels_window=10 * DAY), tmp_path_factory.mktemp(make.__name__))
        for make in (cancer, diabetes)
    }


@pytest.mark.parametrize("name", ["cancer", "diabetes"])
def test_the_other_half_of_the_data_is_called_drift_soon_after_it_begins_and_not_before(found, name):
    one = found[name]
    change = one.deployment.changes_at
    assert one.drift is not None
    assert change < one.drift.rows <= change + 60
    assert {"cancer": "mean texture", "diabetes": "bmi"}[name] in one.drift.reason


def test_the_model_is_said_to_have_fallen_where_it_did_and_only_after_the_change(found):
    assert found["cancer"].falls == {}
    for alarm in found["diabetes"].falls.values():
        assert alarm.rows > found["diabetes"].deployment.changes_at
    assert set(found["diabetes"].falls) == {"mae", "rmse"}


@pytest.mark.parametrize("name", ["cancer", "diabetes"])
def test_the_sidecars_last_word_is_scikit_learns(found, name):
    one = found[name]
    deployment, answers = one.deployment, one.deployment.answers
    expected = scikit_learns(deployment.task, answers.predictions, answers.probability, deployment.labels)
    assert one.periods[-1].realised == pytest.approx(expected, abs=1e-9)
    assert one.labels == len(deployment)


def test_estimates_stand_beside_what_came_true(found):
    last = found["cancer"].periods[-1]
    assert last.estimated["accuracy"] == pytest.approx(last.realised["accuracy"], abs=0.08)
    assert "fell" in page(list(found.values()))
