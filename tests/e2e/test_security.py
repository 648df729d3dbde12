"""A hostile client before a real sidecar: what it can reach, what it can write where, and what is told of secrets. See docs/security.md."""

from __future__ import annotations

import json
import socket
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from neural.monitoring.store import OutboxRow, open_store

sys.path.insert(0, str(Path(__file__).parents[1]))
from sidecars import NEURAL, SidecarProcess, batch, event, free_port

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # httpcore and refused connections
]
MARKUP = "<img src=x onerror=alert(1)>"
FORGED = 'x"} 1\nneural_forged_total{a="b'
ESCAPES = "\x1b[31mred\x07"
CARD = "4111111111111111"
SECRETS = {
    "webhook": "hook-7f3a",
    "signing": "sign-91c2",
    "capture token": "capt-5d10",
    "dashboard token": "dash-c0de",
    "hash key": "salt-ab12",
}


class Hostile:
    """A sidecar with every default that concerns safety, after some hundred requests of somebody who means harm."""

    def __init__(self, folder: Path) -> None:
        self.page, self.metrics, self.tcp = free_port(), free_port(), free_port()
        closed = free_port()  # nobody listens: every delivery fails, and is logged
        self.sidecar = SidecarProcess(
            folder,
            {
                "capture": {
                    "listen": [f"unix://{folder}/c.sock", f"tcp://127.0.0.1:{self.tcp}"],
                    "tokens": [SECRETS["capture token"]],
                    "hash_key": SECRETS["hash key"],
                },
                "features": {"card": {"redact": "hash"}, "secret_word": {"redact": "drop"}},
                "reference": {"learn": "100 rows"},
                "alerts": [
                    {
                        "name": MARKUP,
                        "when": "error_rate > 0.01",
                        "for": "0s",
                        "channels": ["hook"],
                        "message": MARKUP + " {error_rate:.1%}",
                    }
                ],
                "channels": {
                    "hook": {
                        "type": "webhook",
                        "url": f"http://127.0.0.1:{closed}/{SECRETS['webhook']}",
                        "secret": SECRETS["signing"],
                    }
                },
                "dashboard": {"enabled": True, "port": self.page, "token": SECRETS["dashboard token"]},
                "export": {"prometheus": {"enabled": True, "port": self.metrics}},
            },
        )

    def attack(self) -> None:
        self.sidecar.start()
        for sequence in range(1, 31):
            rows = [
                {MARKUP: 1.0 * i, FORGED: ESCAPES, "card": CARD, "secret_word": CARD[::-1], ESCAPES: f"{MARKUP}{i % 3}"}
                for i in range(10)
            ]
            sent = [event(f"{MARKUP}{sequence}", rows, [MARKUP] * 10), event(f"e{sequence}", [], [])._replace(status=500)]
            sent.append(event(f"p{sequence}", [], [])._replace(request_body=b'{"instances":' + b"[" * 100_000, model=FORGED))
            self.sidecar.send([batch("attacker\n" + MARKUP, sequence, sent)])
            time.sleep(0.05)
        deadline = time.monotonic() + 30
        while "neural_feature_drift" not in self.text("/metrics") and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(1.5)  # an evaluation, a delivery and a checkpoint more

    def text(self, path: str) -> str:
        port = self.metrics if path == "/metrics" else self.page
        return httpx.get(f"http://127.0.0.1:{port}{path}", follow_redirects=True).text

    def outbox(self) -> list[OutboxRow]:
        store = open_store(self.sidecar.state, read_only=True)
        try:
            return store.outbox()
        finally:
            store.close()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    made = Hostile(tmp_path_factory.mktemp("hostile"))
    try:
        made.attack()
        yield made
    finally:
        made.sidecar.close()


def _listening(pid: int) -> set[str]:
    """Addresses of the process's listening TCP sockets, read from the kernel."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            inodes.add(str(link.readlink()))
        except OSError:
            continue
    found = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            local, state, inode = (line.split()[at] for at in (1, 3, 9))
            if state == "0A" and f"socket:[{inode}]" in inodes:
                words = bytes.fromhex(local.split(":")[0])
                packed = b"".join(struct.pack(">I", word) for word in struct.unpack(f"<{len(words) // 4}I", words))
                found.add(socket.inet_ntop(family, packed))
    return found


def test_every_door_is_on_this_machine_unless_told_otherwise(hostile: Hostile) -> None:
    assert hostile.sidecar.process is not None
    pids = subprocess.run(
        ["pgrep", "-P", str(hostile.sidecar.process.pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    found = set().union(*(_listening(int(pid)) for pid in [str(hostile.sidecar.process.pid), *pids]))
    assert found == {"127.0.0.1"}
    assert stat.S_IMODE(hostile.sidecar.socket.stat().st_mode) == 0o660
    assert not hostile.sidecar.state.stat().st_mode & stat.S_IRWXO, "others may read the state"


def test_feature_names_and_values_forge_no_metric(hostile: Hostile) -> None:
    page = hostile.text("/metrics")
    families = {family.name: family for family in text_string_to_metric_families(page)}
    assert "neural_forged" not in families
    assert "neural_forged_total" not in families
    named = {sample.labels.get("feature") for family in families.values() for sample in family.samples}
    assert {MARKUP, FORGED} <= named  # as labels, and nothing else


class _Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_report_and_the_index_page_hold_no_markup_of_strangers(hostile: Hostile) -> None:
    done = subprocess.run(
        [NEURAL, "monitor", "report", "--storage-path", str(hostile.sidecar.state)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "onerror" in done.stdout  # the name is there …
    for text in (done.stdout, hostile.text("/")):
        assert not [tag for tag, attrs in _Tags(text).tags if "onerror" in attrs or attrs.get("src") == "x"]  # … as text


def test_text_of_strangers_moves_no_terminal(hostile: Hostile) -> None:
    for command in ("status", "drift", "quality", "alerts"):
        done = subprocess.run(
            [NEURAL, "monitor", command, "--storage-path", str(hostile.sidecar.state)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode in (0, 1), done.stderr
        assert not set("\x1b\x07") & set(done.stdout), command
    assert not set("\x1b\x07") & set(hostile.sidecar.said())


def test_no_secret_is_logged_shown_or_stored(hostile: Hostile) -> None:
    for path in ("/api/v1/config", "/api/v1/status", "/api/v1/alerts", "/metrics", "/openapi.json"):
        said = hostile.text(path)
        assert not [name for name, secret in SECRETS.items() if secret in said], path
    attempts = [row.attempts for row in hostile.outbox()]
    assert attempts
    assert max(attempts) > 0  # a delivery has failed, and may have been told
    said = hostile.sidecar.said()
    assert not [name for name, secret in SECRETS.items() if secret in said]
    for path in hostile.sidecar.state.rglob("*"):
        if path.is_file():
            assert not [name for name, secret in SECRETS.items() if secret.encode() in path.read_bytes()], path


def test_redacted_columns_reach_neither_log_nor_state_nor_pages(hostile: Hostile) -> None:
    """The journal alone holds bodies as they came, until a checkpoint covers them: what must not leave the server is redacted there."""
    values = (CARD, CARD[::-1])
    state = hostile.sidecar.state
    files = [path for path in state.rglob("*") if path.is_file() and "journal" not in str(path.relative_to(state))]
    assert any(path.suffix == ".arrows" for path in files)
    assert not [path for path in files for value in values if value.encode() in path.read_bytes()]
    for text in (hostile.sidecar.said(), hostile.text("/metrics"), hostile.text("/api/v1/drift")):
        assert not [value for value in values if value in text]


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", f"Basic {SECRETS['dashboard token']}", "Bearer é"])
def test_nothing_is_changed_without_the_token(hostile: Hostile, authorization: str | None) -> None:
    headers = [] if authorization is None else [("authorization", authorization.encode("latin-1"))]
    silence = {"match": {}, "starts": "2026-01-01T00:00:00Z", "ends": "2036-01-01T00:00:00Z", "author": "x", "comment": "x"}
    for method, path, body in (("POST", "silences", silence), ("POST", "reload", {}), ("POST", "labels", {"labels": []})):
        reply = httpx.request(method, f"http://127.0.0.1:{hostile.page}/api/v1/{path}", json=body, headers=headers)
        assert reply.status_code == 401, (path, reply.text)
    assert json.loads(hostile.text("/api/v1/silences"))["silences"] == []


def test_a_poisoned_body_costs_its_own_request_only(hostile: Hostile) -> None:
    """A hundred thousand open brackets are traffic that can't be read, in every batch; their neighbours counted."""
    hostile.sidecar.send([batch("after", 1, [event("a", [{"x": 1.0}], [1.0])])])
    families = {family.name: family for family in text_string_to_metric_families(hostile.text("/metrics"))}
    rows = sum(sample.value for sample in families["neural_predictions"].samples if sample.name == "neural_predictions_total")
    assert rows >= 300
    assert hostile.sidecar.rss_bytes() < 400 << 20
