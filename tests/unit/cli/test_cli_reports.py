"""What is written for others to read: the SLA report and the HTML page."""

from __future__ import annotations

import csv
import io
import time
from html.parser import HTMLParser
from importlib import resources

import pytest

from neural.monitoring.cli.moments import parse_moment
from neural.monitoring.cli.render.console import STYLES
from neural.monitoring.reports.stakeholder import line
from neural.monitoring.reports.tables import STATES
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.slo import SLOTracker, create_accuracy_slo, slo_key
from neural.monitoring.store import Report, open_store


class Page(HTMLParser):
    """Tags and attributes of a page, and whether every element is closed."""

    void = frozenset({"meta", "link", "img", "br"})

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.texts = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def assert_self_contained(text):
    page = Page(text)
    assert page.open == []
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.tags}
    assert not [attrs for _, attrs in page.tags for name in attrs if name in {"src", "href"} or name.startswith("on")]
    assert "url(" not in text
    return page


class TestReport:
    @pytest.mark.parametrize("bad", [False, True])
    def test_is_one_self_contained_page(self, neural, folder, tmp_path, bad):
        said = neural("report", "--html", "--storage-path", folder(bad=bad), "--output", tmp_path / "report.html")
        assert said.code == 0
        page = assert_self_contained((tmp_path / "report.html").read_text())
        words = " ".join(page.texts)
        for expected in ("fraud 3", "Objectives", "Drift", "Data quality", "Performance", "Alerts of the last 168 h", "1,100"):
            assert expected in words
        assert ("Something is wrong" in words) is bad

    def test_an_empty_folder_gives_a_page_that_says_so(self, neural, tmp_path):
        said = neural("report", "--storage-path", tmp_path)
        assert said.code == 0
        assert "Nothing has been measured yet." in assert_self_contained(said.out).texts

    def test_json_has_every_answer(self, neural, folder):
        document = neural("report", "--storage-path", folder(), "--format", "json").json
        assert set(document) == {"status", "drift", "quality", "performance", "slo", "alerts", "ledger"}

    def test_names_from_outside_are_text(self, neural, tmp_path):
        evil = "<script>alert(1)</script>\"'&"
        store = open_store(tmp_path)
        labels = {"model": evil, "version": "1", "feature": evil}
        store.write_signals([Signal("drift.feature_score", 0.5, time.time(), labels, Verdict(Outcome.BAD, evil))])
        store.close()
        said = neural("report", "--storage-path", tmp_path)
        page = assert_self_contained(said.out)
        assert evil in page.texts

    def test_it_is_as_things_were_at_an_earlier_moment(self, neural, folder):
        path = folder(bad=True)
        words = " ".join(Page(neural("report", "--storage-path", path, "--at", "10h").out).texts)
        assert "Nothing has been measured yet." in words
        assert "No account of requests is kept for that time." in words
        assert "without --watch" in neural("report", "--storage-path", path, "--watch").err

    def test_every_word_of_a_state_has_its_colour_on_paper_and_on_a_terminal(self):
        style = (resources.files("neural.monitoring.reports") / "report.css").read_text(encoding="utf-8")
        assert set(STYLES) == STATES == {word for word in STATES if f".{word}" in style}

    def test_lines_have_gaps_where_values_are_missing(self):
        drawn = line([[0, 1.0], [1, 2.0], [2, None], [3, 1.0], [4, 3.0]])
        assert drawn.count("<polyline") == 2
        assert line([[0, 1.0]]) == line([]) == ""
        assert "steady at 1" in line([[0, 1.0], [1, 1.0]])


CONFIG = """\
model: {name: fraud, version: "3"}
slos: [{name: fast, type: latency, threshold: 100ms, target: 99%, window: 28d}]
store: {path: .}
"""
START, END = "2023-10-20", "2023-11-10"


@pytest.fixture
def counted(tmp_path):
    """Three weeks over the turn of a month: October well, November badly, with a breach."""
    store = open_store(tmp_path)
    begin, turn, end = (parse_moment(text, 0.0) for text in (START, "2023-11-01", END))
    for slot in range(int(begin), int(end), 3600):
        store.add_slo_counts(slo_key("fraud", "fast"), float(slot), 99.9 if slot < turn else 95.0, 100.0)
    body = {"slo": "fast", "started_at": turn, "ended_at": turn + 7200.0, "duration_seconds": 7200.0}
    store.add_report(Report("slo_breach", turn + 7200.0, "fraud", "", body))
    store.write_signals([Signal("requests.count", 1.0, end, {"model": "fraud", "version": "3"})])
    store.close()
    (tmp_path / "neural-monitor.yaml").write_text(CONFIG)
    return tmp_path


class TestSLAReport:
    def ask(self, neural, path, *more):
        return neural("slo", "--report", "--storage-path", path, "--from", START, "--to", END, *more)

    def test_json_has_months_and_breaches(self, neural, counted):
        said = self.ask(neural, counted, "--format", "json")
        (report,) = said.json["reports"]
        assert said.code == 1
        assert [(one["name"], one["met"]) for one in report["months"]] == [("2023-10", True), ("2023-11", False)]
        assert (report["total_breaches"], report["max_breach_duration"], report["is_meeting"]) == (1, 7200.0, False)

    @pytest.mark.parametrize("form", ["text", "markdown", "html", "csv"])
    def test_every_form_names_objective_months_and_figures(self, neural, counted, form):
        said = self.ask(neural, counted, "--format", form)
        assert said.code == 1
        for expected in ("fast", "2023-10", "2023-11"):
            assert expected in said.out
        assert ("99.900%" in said.out) is (form != "csv")

    def test_html_is_self_contained(self, neural, counted):
        assert_self_contained(self.ask(neural, counted, "--format", "html").out)

    def test_csv_is_a_row_a_month_and_one_for_the_whole(self, neural, counted):
        rows = list(csv.DictReader(io.StringIO(self.ask(neural, counted, "--format", "csv").out)))
        assert [(row["month"], row["met"]) for row in rows] == [("", "False"), ("2023-10", "True"), ("2023-11", "False")]
        assert float(rows[1]["compliance"]) == pytest.approx(0.999)

    def test_objectives_of_the_python_api_are_reported_too(self, neural, tmp_path):
        tracker = SLOTracker(tmp_path)
        tracker.add_slo(create_accuracy_slo(target=0.9))
        tracker.record_measurement("model_accuracy", 0.95)
        tracker.close()
        (report,) = neural("slo", "--report", "--storage-path", tmp_path, "--from", "1h", "--format", "json").json["reports"]
        assert (report["slo_name"], report["compliance_rate"]) == ("model_accuracy", 1.0)

    def test_mistakes_are_one_line(self, neural, counted, tmp_path):
        assert "no objective named 'slow'" in self.ask(neural, counted, "--name", "slow").err
        assert (
            "--from must be before --to" in neural("slo", "--report", "--storage-path", counted, "--from", END, "--to", START).err
        )
        assert "is no moment" in neural("slo", "--report", "--from", "yesterday-ish").err
        assert "is for --report" in neural("slo", "--storage-path", counted, "--format", "csv").err
        open_store(tmp_path / "bare").close()
        assert "--config FILE" in neural("slo", "--report", "--storage-path", tmp_path / "bare").err


@pytest.mark.parametrize(
    ("text", "moment"),
    [("2023-11-14", 1_699_920_000.0), ("2023-11-14T22:13:20", 1_700_000_000.0), ("2023-11-14T23:13:20+01:00", 1_700_000_000.0),
     ("1700000000", 1_700_000_000.0), ("1700000000.5", 1_700_000_000.5), ("7d", 1000.0 * 86400), ("0s", 1007.0 * 86400)],
)  # fmt: skip
def test_moments_are_read_as_people_write_them(text, moment):
    assert parse_moment(text, 1007.0 * 86400) == moment


@pytest.mark.parametrize("text", ["", "nan", "inf", "-1", "1e300", "tomorrow", "9999999d"])
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ValueError, match="no moment"):
        parse_moment(text, 1e9)
