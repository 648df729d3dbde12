r"""The false-alarm budget kept: a Shiryaev–Roberts e-detector over all columns of a model.

At every evaluation with new rows a start time s is noted, with the time w since the evaluation before as its weight. M(s) is the evidence
(an e-value, see ``evidence``) of the rows since s against the null: the reference and the rows before s, all of which are from one
distribution as long as nothing drifts. R = Σ w M(s), averaged over the columns, has mean at most the time passed then; so raising the alarm
when R ≥ T, the accepted mean time between false alarms, raises one no more often than every T on average. No window, no threshold to tune,
no correction for looking often.

Why the mean is at most the time passed: given all rows before s, the shares of the bins have the Dirichlet distribution whose parameters
are the counts of reference and rows so far; M(s) is an alternative's probability of the rows since over that of the Dirichlet-multinomial
which follows, so it is a martingale from 1. Start times are thinned to a geometric grid of ages: a start that goes has its weight, times
what its M has grown to, staked on the one before, as a gambler would move a stake; that leaves R as it is, and R minus the time passed
stays a martingale. M(s) of an old start is brought up to date only when an eighth of its age has passed since, but before an alarm is
raised all are, so R at an alarm is as of now.

The null does not learn more rows than the reference has (or ``LEARN_ROWS``): beyond, shares are known so well that a move nobody minds
would be found. It then allows for more than it must, and a fixed alternative's M has a mean below one over references; for one reference it
can be up to exp(z²/4), z the standard errors by which it is off. The first start has learnt nothing and stays, and starts are of all ages:
a slow drift that is learnt by the young ones is found by the old ones.

After an alarm each drifting column has its own ``Episode``. It ends when the rows since some moment are 1000 times likelier under the
reference than under the drifted distribution, and carry no evidence against the reference; or when the column sends nothing for a window's
length. The detector starts anew for that column, and forgets its rows since the drift began. An acknowledgement does not wait for that: see
``acknowledged``.

Evidence grows with the rows, and with enough of them any difference is beyond chance. So an alarm also takes a share of rows moved of at
least ``smallest``, since some start whose evidence would do alone (or the likeliest); a column of which less moved is left out of the
mean over columns, which can only delay an alarm of the others.

With seasons (hour of the week, see ``expectation``) the null of the rows since a start is the mixture of the hours they came in; it learns
nothing then, since what came before came in other hours.

Where the guarantee ends: it is for rows that are exchangeable with the reference's. Rows that come in runs (autocorrelated, or one
client's batch of near-equal rows) are worth fewer than they are: ``runs`` estimates by how much, first from the order of the
reference's rows, then from the traffic, and counts are divided by it. It can't tell a rhythm longer than what either has shown from drift.

Source: Shin, Ramdas and Rinaldo, E-detectors: a nonparametric framework for sequential change detection, 2022.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.bins import Bins
from neural.monitoring.drift.effects import Effects
from neural.monitoring.drift.episode import Episode
from neural.monitoring.drift.evidence import EvidenceModel
from neural.monitoring.drift.expectation import Expectation
from neural.monitoring.drift.runs import Runs
from neural.monitoring.windows.order import RunLengths

STARTS = 16
"""Start times kept: ages from one evaluation to 2^12 and more, each about 1.7 times the one before."""
UPDATES_PER_AGE = 8
LOG_MISFIT = math.log(100.0)  # rows that left the drifted distribution are not the reference's either: they drift elsewhere
LEARN_ROWS = 10_000.0
"""Rows of calm traffic the null learns from, or as many as the reference has: more would make a detector that finds what nobody minds."""
LOG_NOTHING = -600.0  # the weight of a start from before a column started anew
_NO_HOURS: NDArray[np.float64] = np.zeros(0)
LOG_HELD = math.log(0.99)  # shown of a column that moved too little: no alarm, whatever the evidence
LOG_CAP = 60.0  # evidence beyond e^60 times the threshold says nothing more


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand after an evaluation.

    ``log_evidence``: per column, ln(R / (T x columns)): 0 means that this column alone raises the alarm. ``log_model``: the same for all
    columns together. ``drifting``: column → its episode. ``rows_in_run``: per column, rows that count as one (1: all are worth a row).
    ``small``: column → share of rows moved, where chance does not explain it and it is too little to matter.
    """

    log_evidence: NDArray[np.float64]
    log_model: float
    drifting: Mapping[int, Episode]
    rows_in_run: NDArray[np.float64]
    started: tuple[int, ...] = ()
    ended: tuple[int, ...] = ()
    small: Mapping[int, float] = field(default_factory=dict[int, float])

    @property
    def alarm(self) -> bool:
        return bool(self.drifting)


class SequentialDetector:
    """Counts in, standing out. One for a model version and reference."""

    def __init__(
        self,
        bins: Sequence[Bins],
        runs: Sequence[RunLengths] = (),
        season: Expectation | None = None,
        *,
        smallest: float = 0.0,
    ) -> None:
        """``runs``: of the columns' references, in order; nothing is expected where it is left out. ``season``: what is to be expected by
        hour, where the reference has seasons. ``smallest``: share of rows moved below which nothing is an alarm."""
        self.model = EvidenceModel(bins)
        self._effects = Effects(bins)
        self._smallest = smallest
        self._small: dict[int, float] = {}
        self._bounds = np.cumsum([0, *(len(item) for item in bins)])
        self._expected = [item.expected for item in bins]
        self._columns = len(bins)
        self._learn_rows = np.array([max(float(item.sum()), LEARN_ROWS) for item in self._expected])
        self._total = np.zeros(int(self._bounds[-1]))
        self._starts = np.zeros((0, len(self._total)))
        self._base = np.zeros(len(self._total))  # what came since, and before a start, is counted with the reference
        self._log_weights = np.zeros((0, self._columns))
        self._times = np.zeros(0)
        self._evaluations = np.zeros(0)  # each start's number
        self._updated = np.zeros(0)  # number of the evaluation its log_m is of
        self._log_m = np.zeros((0, self._columns))
        self._count = 0
        self.runs = Runs(bins, runs, season)
        self._season = season
        self._hours = np.zeros(season.hours if season is not None else 0)  # rows by hour, as ``_total``
        self._hour_starts = np.zeros((0, len(self._hours)))
        self._restarts: dict[int, NDArray[np.float64]] = {}  # column → rows by hour when it last started anew
        self.episodes: dict[int, Episode] = {}
        self._log_evidence = np.full(self._columns, -LOG_CAP)
        self.log_r = np.full(self._columns, -np.inf)  # ln R of each column, in seconds

    def step(
        self,
        counts: NDArray[np.float64],
        now: float,
        *,
        elapsed: float,
        seconds_between: float,
        patience: float,
        hours: NDArray[np.float64] = _NO_HOURS,
    ) -> Standing:
        """Take in what came since the last step: counts of shape (bins of all columns,), and the rows by hour, none without seasons.

        ``elapsed``: seconds since the last step; ``seconds_between``: accepted mean time between false alarms; ``patience``:
        seconds without rows after which a drifting column is given up.
        """
        ended = self._end_episodes(counts, now, patience, hours)
        if counts.any():
            self._note_start(now, min(max(elapsed, 1e-9), seconds_between / 100))
            self._total = self._total + counts
            self._hours = self._hours + hours
            self.runs.step(counts, hours, self.episodes)
        return self._stand(now, math.log(seconds_between), ended)

    def _stand(self, now: float, log_threshold: float, ended: list[int]) -> Standing:
        if len(self._starts) == 0:
            return Standing(self._log_evidence, -LOG_CAP, dict(self.episodes), self.runs.effect, (), tuple(ended))
        self._update()
        log_r = self._weigh() - log_threshold
        moved = self._moved(log_threshold) if self._small else None
        log_model = self._judge(log_r, moved)
        started: list[int] = []
        if log_model >= 0.0:  # the guarantee is for evidence as of now
            log_r = self.refresh() - log_threshold
            moved = self._moved(log_threshold)
            log_model = self._judge(log_r, moved)
            started = [] if log_model < 0.0 else np.flatnonzero(self._loud() & (log_r >= 0.0)).tolist()
            for column in started:
                self._begin(column, now, self._likeliest(column, moved[:, column] >= self._smallest))
        self._log_evidence = np.clip(log_r - math.log(self._columns), -LOG_CAP, LOG_CAP)
        self._log_evidence[[*self._small]] = np.minimum(self._log_evidence[[*self._small]], LOG_HELD)
        known = tuple(started), tuple(ended), dict(self._small)
        return Standing(self._log_evidence, min(log_model, LOG_CAP), dict(self.episodes), self.runs.effect, *known)

    def _judge(self, log_r: NDArray[np.float64], moved: NDArray[np.float64] | None) -> float:
        """ln of the mean of R over the threshold, over the columns that may alarm; which moved too little is kept in ``_small``."""
        self._small = {}
        if moved is not None:
            most = moved.max(axis=0)
            self._small = {
                int(at): float(most[at]) for at in np.flatnonzero(self._loud() & (log_r >= 0.0) & (most < self._smallest))
            }
        return _log_mean(log_r[self._loud()], self._columns)

    def _loud(self) -> NDArray[np.bool_]:
        """Columns whose evidence counts: they neither drift already nor moved too little to matter."""
        loud = np.ones(self._columns, dtype=bool)
        loud[[*self.episodes, *self._small]] = False
        return loud

    def _moved(self, log_threshold: float) -> NDArray[np.float64]:
        """Share of rows moved since each start whose evidence would do, (starts, columns); 0 of the others."""
        weighted = self._log_m + self._log_weights
        enough = weighted >= np.minimum(log_threshold, weighted.max(axis=0))
        return np.where(enough, self._effects.of(self._total - self._starts, self._expect(self._hour_starts)), 0.0)

    def refresh(self) -> NDArray[np.float64]:
        """Bring every start up to date: ``log_r`` as of now."""
        self._refresh(np.flatnonzero(self._updated < self._count))
        return self._weigh()

    def _weigh(self) -> NDArray[np.float64]:
        weighted = self._log_m + self._log_weights
        peak = weighted.max(axis=0)
        self.log_r = peak + np.log(np.exp(weighted - peak).sum(axis=0))
        return self.log_r

    def _update(self) -> None:
        ages = self._count + 1 - self._evaluations
        self._refresh(np.flatnonzero(self._count - self._updated >= np.ceil(ages / UPDATES_PER_AGE)))

    def _refresh(self, starts: NDArray[np.intp]) -> None:
        if len(starts):
            worth, seen = self._worth, self._starts[starts]
            expected = self._expect(self._hour_starts[starts])
            learnt = self._learnt(seen, worth) if expected is None else None
            self._log_m[starts] = self.model.log_evidence((self._total - seen) / worth, learnt, expected)
            self._updated[starts] = self._count

    def _expect(self, since: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Pseudo-counts of the rows that came since so many had come by hour, (rows, hours); None without seasons."""
        if self._season is None:
            return None
        expected = self._season.pseudo_counts(self._hours - since)
        for column, restart in self._restarts.items():
            mine = self._slice(column)
            expected[:, mine] = self._season.pseudo_counts(self._hours - np.maximum(since, restart))[:, mine]
        return expected

    def _learnt(self, seen: NDArray[np.float64], worth: NDArray[np.float64]) -> NDArray[np.float64]:
        """What had come before a start without drift, as counts of at most so many rows."""
        calm = np.maximum(seen - self._base, 0.0) / worth
        rows = np.add.reduceat(calm, self._bounds[:-1], axis=1)
        share = np.minimum(1.0, self._learn_rows / np.maximum(rows, 1.0))
        found: NDArray[np.float64] = calm * np.repeat(share, np.diff(self._bounds), axis=1)
        return found

    def _begin(self, column: int, now: float, start: int) -> None:
        mine = self._slice(column)
        drifted = self._total[mine] - self._starts[start, mine]
        self.episodes[column] = Episode(
            float(self._times[start]),
            now,
            drifted,
            np.zeros_like(drifted),
            last_rows_at=now,
            drifted_hours=self._hours - np.maximum(self._hour_starts[start], self._restarts.get(column, 0.0)),
            recent_hours=np.zeros_like(self._hours),
        )

    def _likeliest(self, column: int, among: NDArray[np.bool_] | bool = True) -> int:
        """The start since which there is most evidence."""
        return int(np.argmax(np.where(among, self._log_m[:, column], -np.inf)))

    def _end_episodes(self, counts: NDArray[np.float64], now: float, patience: float, hours: NDArray[np.float64]) -> list[int]:
        ended: list[int] = []
        expected = self._season.pseudo_counts(hours[None, :])[0] if self._season is not None and self.episodes else None
        for column, episode in list(self.episodes.items()):
            mine = self._slice(column)
            reference = self._expected[column] if expected is None else expected[mine]
            usual = None if self._season is None else self._season.pseudo_counts(episode.drifted_hours[None, :])[0, mine]
            back = episode.step(counts[mine] / self.runs.effect[column], reference, now, hours, usual)
            against = self._log_evidence_of(column, episode) if back else 0.0
            if back and against <= 0.0:
                ended.append(column)
            elif against >= LOG_MISFIT:
                episode.follow()
            elif now - episode.last_rows_at > patience:
                ended.append(column)
        for column in ended:
            self._restart(column, self.episodes.pop(column).since)
        return ended

    def restart(self, column: int) -> None:
        """As if an alarm of this column had come and gone."""
        self._restart(column, float(self._times[self._likeliest(column)]))

    def _restart(self, column: int, since: float) -> None:
        """Forget the evidence against a column, and of its rows those that came since (Unix seconds)."""
        mine = self._slice(column)
        before = max(int(np.searchsorted(self._times, since)) - 1, 0)
        calm = np.maximum(self._starts[before, mine] - self._base[mine], 0.0)
        self._starts[:, mine] = self._total[mine]
        self._base[mine] = self._total[mine] - calm
        self._log_m[:, column] = 0.0
        self._log_weights[:, column] = LOG_NOTHING
        if self._season is not None:
            self._restarts[column] = self._hours

    def _log_evidence_of(self, column: int, episode: Episode) -> float:
        """Against the reference, of the rows that look like its again; none where they moved too little to matter."""
        counts = np.zeros((1, len(self._total)))
        counts[0, self._slice(column)] = episode.recent / self.runs.effect[column]
        expected = None if self._season is None else self._season.pseudo_counts(episode.recent_hours[None, :])
        if self._effects.of(counts, expected)[0, column] < self._smallest:
            return 0.0
        return float(self.model.log_evidence(counts, expected=expected)[0, column])

    def _note_start(self, now: float, weight: float) -> None:
        if len(self._starts) == STARTS:
            ages = self._count + 2 - np.append(self._evaluations, self._count + 1.0)
            self._merge(1 + int(np.argmin(ages[:-2] / ages[2:])))
        self._count += 1
        self._starts = np.vstack([self._starts, self._total[None, :]])
        self._hour_starts = np.vstack([self._hour_starts, self._hours[None, :]])
        self._log_weights = np.vstack([self._log_weights, np.full((1, self._columns), math.log(weight))])
        self._times = np.append(self._times, now - weight)
        self._evaluations = np.append(self._evaluations, float(self._count))
        self._updated = np.append(self._updated, -1.0)
        self._log_m = np.vstack([self._log_m, np.zeros((1, self._columns))])

    def _merge(self, drop: int) -> None:
        """Stake what the evidence since a start has grown to on the start before it: both as of now, or it would be staked on the past."""
        self._refresh(np.array([at for at in (drop - 1, drop) if self._updated[at] < self._count], dtype=np.intp))
        grown = self._log_weights + self._log_m
        self._log_weights[drop - 1] = np.logaddexp(grown[drop - 1], grown[drop]) - self._log_m[drop - 1]
        keep = np.arange(len(self._starts)) != drop
        self._starts, self._log_weights = self._starts[keep], self._log_weights[keep]
        self._hour_starts = self._hour_starts[keep]
        self._times, self._evaluations = self._times[keep], self._evaluations[keep]
        self._updated, self._log_m = self._updated[keep], self._log_m[keep]

    @property
    def _worth(self) -> NDArray[np.float64]:
        """Rows a count stands for, by bin."""
        return np.repeat(self.runs.effect, np.diff(self._bounds))

    def _slice(self, column: int) -> slice:
        return slice(int(self._bounds[column]), int(self._bounds[column + 1]))

    def since(self, column: int) -> NDArray[np.float64] | None:
        """Counts of a drifting column since its drift began (bins,)."""
        episode = self.episodes.get(column)
        return None if episode is None else episode.drifted + episode.recent

    def snapshot(self) -> dict[str, Any]:
        """JSON-able; ``restore`` on a detector with the same bins continues as if never stopped."""
        return {
            "total": self._total.tolist(),
            "starts": self._starts.tolist(),
            "log_weights": self._log_weights.tolist(),
            "base": self._base.tolist(),
            "times": self._times.tolist(),
            "evaluations": self._evaluations.tolist(),
            "updated": self._updated.tolist(),
            "log_m": self._log_m.tolist(),
            "runs": self.runs.snapshot(),
            "hours": [self._hours.tolist(), self._hour_starts.tolist()],
            "restarts": [[column, hours.tolist()] for column, hours in self._restarts.items()],
            "count": self._count,
            "small": [*self._small],
            "episodes": [[column, episode.snapshot()] for column, episode in self.episodes.items()],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Raises ValueError when the state is of other bins."""
        total = np.array(state["total"], dtype=np.float64)
        if total.shape != self._total.shape:
            raise ValueError(f"the state has {len(total)} bins; the reference has {len(self._total)}")
        self._total = total
        self._starts = np.array(state["starts"], dtype=np.float64).reshape(-1, len(total))
        self._times = np.array(state["times"], dtype=np.float64)
        self._evaluations = np.array(state["evaluations"], dtype=np.float64)
        self._updated = np.array(state["updated"], dtype=np.float64)
        self._log_m = np.array(state["log_m"], dtype=np.float64).reshape(-1, self._columns)
        if "log_weights" in state:
            self._log_weights = np.array(state["log_weights"], dtype=np.float64).reshape(-1, self._columns)
            self._base = np.array(state["base"], dtype=np.float64)
        else:
            self._adopt(state)
        self.runs.restore(state["runs"])
        if "hours" in state:
            self._hours = np.array(state["hours"][0], dtype=np.float64)
            self._hour_starts = np.array(state["hours"][1], dtype=np.float64).reshape(len(self._starts), len(self._hours))
        else:  # of a version that knew no seasons
            self._hour_starts = np.zeros((len(self._starts), len(self._hours)))
        self._restarts = {int(column): np.array(hours, dtype=np.float64) for column, hours in state.get("restarts", ())}
        self._count = int(state["count"])
        self._small = {int(column): 0.0 for column in state.get("small", ())}
        self.episodes = {int(column): Episode.from_snapshot(item) for column, item in state["episodes"]}

    def _adopt(self, state: Mapping[str, Any]) -> None:
        """A state of before the null learnt: which of its rows were calm isn't known, so none of them is learnt from."""
        weights = np.array(state["weights"], dtype=np.float64)[:, None]
        self._log_weights = np.repeat(np.log(weights), self._columns, axis=1)
        self._base = self._total.copy()
        self._updated = np.full(len(self._starts), -1.0)


def _log_mean(logs: NDArray[np.float64], count: int) -> float:
    """ln of (the sum of exp(logs)) / count; very small without any."""
    if len(logs) == 0:
        return -LOG_CAP
    peak = float(logs.max())
    return peak + math.log(float(np.exp(logs - peak).sum()) / count)
