"""What one request, one pod and one column cost, as measured; what things are bought for; and what a fleet comes to."""

from __future__ import annotations

from dataclasses import dataclass

from neural.monitoring.predictions.segment import FULL_BYTES

DAY_SECONDS, MONTH_HOURS, MONTH_DAYS = 86_400, 730, 30
GB = 1e9


@dataclass(frozen=True)
class Measured:
    """20 features and one prediction a request, JSON. ``tests/docs/test_scale.py`` measures what it can again, and finds the rest in docs/performance.md."""

    columns: int = 21  # 18 numeric and 2 categorical features (3 and 2 categories), and the prediction
    wire_bytes: float = 474  # an event in a batch of 256, bodies of 354 bytes in it
    open_log_bytes: float = 240  # a row of the prediction log while its hour is open
    log_bytes: float = 178  # … and as Parquet (zstd)
    server_seconds: float = 8.1e-6  # docs/performance.md, shipping included
    sidecar_seconds: float = 24.7e-6  # docs/performance.md, at 20,000 requests/s, everything included
    sidecar_cores: float = 0.010  # a sidecar with 10 requests/s, scraped every 15 s, default evaluations and checkpoints
    sidecar_memory_bytes: float = 190 * 2**20  # 181 MiB at 10 requests/s, 204 at 1,000/s, after two minutes
    series: int = 701  # on its /metrics page, two objectives
    bin_series: int = 193  # of them neural_feature_bin_total
    series_column: int = 29  # for one more numeric feature
    analyze_seconds: float = 2.29e-6  # a row of 20 numeric features profiled by DuckDB (table below)
    prometheus_series_bytes: float = 8_000  # resident memory over scraped and recorded series: 579 MB for 73,000 of 60 pods
    rule_fleet_seconds: float = (
        3.7e-5  # the rules of a fleet's PSI, for each bin series and evaluation, 240 samples in the window
    )
    rule_pods_seconds: float = 1.7e-4  # the rules of outlier pods, likewise


@dataclass(frozen=True)
class Prices:
    """In dollars. Parameters, not facts: about what a large cloud asks for on-demand Linux machines and its object store in 2025."""

    core_hour: float = 0.04
    gib_hour: float = 0.005
    object_gb_month: float = 0.023
    put_thousand: float = 0.005


@dataclass(frozen=True)
class Fleet:
    """``pods`` of one model version with ``rate`` requests/s each; its log is kept for ``keep_days``, all of it."""

    pods: int
    rate: float
    scrape_seconds: float = 15
    checkpoint_seconds: float = 30
    keep_days: float = 7
    measured: Measured = Measured()

    @property
    def requests(self) -> float:
        """1/s, of all pods."""
        return self.pods * self.rate

    @property
    def wire_bytes(self) -> float:
        """1/s within each pod, through a Unix socket: no network carries it."""
        return self.rate * self.measured.wire_bytes

    @property
    def journal_bytes(self) -> float:
        """Of a pod: what two checkpoints are apart."""
        return self.wire_bytes * self.checkpoint_seconds

    @property
    def log_bytes_a_day(self) -> float:
        return self.requests * DAY_SECONDS * self.measured.log_bytes

    @property
    def files_an_hour(self) -> int:
        """Of a pod: one, and one more whenever the open hour has grown full."""
        return 1 + int(self.rate * 3600 * self.measured.open_log_bytes // FULL_BYTES)

    @property
    def file_bytes(self) -> float:
        return self.rate * 3600 * self.measured.log_bytes / self.files_an_hour

    @property
    def objects_a_day(self) -> float:
        return self.pods * 24 * self.files_an_hour

    @property
    def server_cores(self) -> float:
        return self.requests * self.measured.server_seconds

    @property
    def sidecar_cores(self) -> float:
        return self.pods * self.measured.sidecar_cores + self.requests * self.measured.sidecar_seconds

    @property
    def sidecar_memory_bytes(self) -> float:
        return self.pods * self.measured.sidecar_memory_bytes

    @property
    def series(self) -> int:
        return self.pods * self.measured.series

    @property
    def recorded_series(self) -> int:
        """By the group ``neural-fleet-pods``: count, share and the rest's share of each bin, and four of each column, for each pod."""
        return self.pods * (3 * self.measured.bin_series + 4 * self.measured.columns)

    @property
    def samples(self) -> float:
        """1/s, as scraped."""
        return self.series / self.scrape_seconds

    @property
    def prometheus_bytes(self) -> float:
        return (self.series + self.recorded_series) * self.measured.prometheus_series_bytes

    @property
    def fleet_rules_seconds(self) -> float:
        """CPU of one evaluation of a fleet's PSI."""
        return self.pods * self.measured.bin_series * self.measured.rule_fleet_seconds

    @property
    def pods_rules_seconds(self) -> float:
        return self.pods * self.measured.bin_series * self.measured.rule_pods_seconds

    @property
    def analyze_core_hours_a_day(self) -> float:
        """A profile of every row once."""
        return self.requests * DAY_SECONDS * self.measured.analyze_seconds / 3600


@dataclass(frozen=True)
class Bill:
    """Dollars a month."""

    fleet: Fleet
    prices: Prices = Prices()

    @property
    def cores(self) -> float:
        """In the model servers and in the sidecars."""
        return (self.fleet.server_cores + self.fleet.sidecar_cores) * MONTH_HOURS * self.prices.core_hour

    @property
    def memory(self) -> float:
        return self.fleet.sidecar_memory_bytes / 2**30 * MONTH_HOURS * self.prices.gib_hour

    @property
    def prometheus(self) -> float:
        """Its memory: the rest of it is small beside that."""
        return self.fleet.prometheus_bytes / 2**30 * MONTH_HOURS * self.prices.gib_hour

    @property
    def objects(self) -> float:
        kept = self.fleet.log_bytes_a_day * self.fleet.keep_days / GB * self.prices.object_gb_month
        return kept + self.fleet.objects_a_day * MONTH_DAYS / 1000 * self.prices.put_thousand

    @property
    def analyze(self) -> float:
        return self.fleet.analyze_core_hours_a_day * MONTH_DAYS * self.prices.core_hour

    @property
    def total(self) -> float:
        return self.cores + self.memory + self.prometheus + self.objects + self.analyze

    @property
    def a_million_requests(self) -> float:
        return self.total / (self.fleet.requests * DAY_SECONDS * MONTH_DAYS) * 1e6
