"""``neural monitor alerts ack``, in the storage path."""

from __future__ import annotations

from neural.monitoring.store import AlertRow, open_store


def test_by_rule_it_is_acknowledged_and_the_list_says_so(neural, folder):
    path = folder(bad=True)
    said = neural("alerts", "ack", "rule 1", "--author", "ada", "--note", "on it", "--storage-path", path)
    assert (said.code, said.out) == (0, "Title 1: ada has it (a1)\n")
    listed = neural("alerts", "--storage-path", path)
    assert "firing (ada)" in listed.out
    [one] = [
        one for one in neural("alerts", "--storage-path", path, "--format", "json").json["alerts"] if one["alert_id"] == "a1"
    ]
    assert (one["acknowledged_by"], one["acknowledged_note"]) == ("ada", "on it")


def test_what_is_not_firing_is_one_line(neural, folder):
    said = neural("alerts", "ack", "rule 2", "--storage-path", folder(bad=True))
    assert said.code == 2
    assert "no alert 'rule 2' is firing" in said.err


def test_an_ambiguous_word_names_the_ids(neural, folder):
    path = folder(bad=True)
    store = open_store(path)
    store.put_alert(AlertRow("a11", "f", "rule 1", "warning", "firing", "t", "m", "drift", 1.0, fired_at=1.0))
    store.close()
    said = neural("alerts", "ack", "rule 1", "--storage-path", path)
    assert said.code == 2
    assert "a1" in said.err
    assert "a11" in said.err
    assert neural("alerts", "ack", "a1", "--storage-path", path, "--format", "json").json["alert_id"] == "a1"


def test_without_state_nothing_is_begun(neural, tmp_path):
    said = neural("alerts", "ack", "x", "--storage-path", tmp_path)
    assert said.code == 2
    assert list(tmp_path.iterdir()) == []
