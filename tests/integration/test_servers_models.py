"""Model servers as they are: FastAPI, MLflow's scoring server without a line of code, a V2 server asked by NVIDIA's client."""

from __future__ import annotations

import os
import subprocess

import httpx
import pytest
from tests.integration.real_servers import FOLDER, PYTHON, decode, needs_servers, served

from neural.capture.testing import MemorySidecar
from neural.wire import Outcome, Protocol

pytestmark = [needs_servers, pytest.mark.slow]

QUIET = ("--log-level", "critical")


@pytest.fixture(scope="module")
def fastapi():
    with served("fastapi", "uvicorn", "apps:fast", "--port", "{port}", *QUIET, health="/docs") as running:
        yield running


@pytest.mark.parametrize(
    ("body", "status", "outcome"),
    [
        ({"amount": 150.5, "country": "AT"}, 200, Outcome.COMPLETED),
        ({"amount": -1, "country": "AT"}, 409, Outcome.COMPLETED),
        ({"amount": "much"}, 422, Outcome.COMPLETED),
    ],
    ids=["a prediction", "an error of the application", "a body that FastAPI refuses"],
)
def test_fastapi_with_another_middleware_around_capture(fastapi, body, status, outcome):
    response = httpx.post(f"{fastapi.address}/predict", json=body, trust_env=False)
    assert (response.status_code, response.headers["x-timed"]) == (status, "yes")
    event = fastapi.event(response.headers["x-prediction-id"])
    assert (event.status, event.outcome, event.model, event.version) == (status, outcome, "fraud", "7")
    assert event.response_body == response.content
    decoded = decode(event)
    assert decoded.failures == []
    assert decoded.traffic[0].status.tolist() == [status]
    if status == 200:
        [batch] = decoded.rows
        assert {name: column.values.tolist() for name, column in batch.features.items()} == {"amount": [150.5], "country": ["AT"]}
        assert batch.predictions.values.tolist() == ["fraud"]


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory):
    model = tmp_path_factory.mktemp("mlflow") / "model"
    subprocess.run([PYTHON, "-W", "ignore", FOLDER / "save_model.py", model], check=True, capture_output=True, timeout=100)
    settings = {
        "NEURAL_CAPTURE_APP": "mlflow.pyfunc.scoring_server.app:app",
        "NEURAL_CAPTURE_MODEL": "fraud",
        "NEURAL_CAPTURE_HEADERS": "content-type",
        "__pyfunc_model_path__": str(model),  # as "mlflow models serve" tells its server
    }
    with served(
        "mlflow", "uvicorn", "neural.capture.auto:app", "--port", "{port}", *QUIET, health="/ping", **settings
    ) as running:
        yield running


JSON = "application/json"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (JSON, b'{"dataframe_split": {"columns": ["amount", "country"], "data": [[150.5, "AT"], [3, "DE"]]}}'),
        (JSON, b'{"dataframe_records": [{"amount": 150.5, "country": "AT"}, {"amount": 3, "country": "DE"}]}'),
        (JSON, b'{"instances": [{"amount": 150.5, "country": "AT"}, {"amount": 3, "country": "DE"}]}'),
        (JSON, b'{"inputs": {"amount": [150.5, 3], "country": ["AT", "DE"]}}'),
        ("text/csv", b"amount,country\n150.5,AT\n3,DE\n"),
    ],
    ids=["dataframe_split", "dataframe_records", "instances", "inputs", "CSV"],
)
def test_mlflows_scoring_server_without_a_line_of_code(mlflow, content_type, body):
    response = httpx.post(f"{mlflow.address}/invocations", content=body, headers={"content-type": content_type}, trust_env=False)
    assert response.json() == {"predictions": [1.0, 0.0]}
    event = mlflow.event(response.headers["x-prediction-id"])
    decoded = decode(event)
    assert decoded.failures == []
    [batch] = decoded.rows
    assert batch.model == "fraud"
    assert {name: column.values.tolist() for name, column in batch.features.items()} == {
        "amount": [150.5, 3.0],
        "country": ["AT", "DE"],
    }
    assert [float(value) for value in batch.predictions.values] == [1.0, 0.0]
    assert list(batch.row_ids) == [f"{event.prediction_id}:0", f"{event.prediction_id}:1"]


def test_what_mlflow_refuses_is_a_client_error_and_no_row(mlflow):
    response = httpx.post(
        f"{mlflow.address}/invocations", content=b'{"rows": 1}', headers={"content-type": JSON}, trust_env=False
    )
    assert response.status_code == 400
    event = mlflow.event(response.headers["x-prediction-id"])
    assert event.status == 400
    assert decode(event).rows == []
    assert "/ping" not in {one.path for one in mlflow.sidecar.events}


def test_a_v2_server_asked_by_tritons_client(tmp_path):
    address = f"unix:{tmp_path}/v2.sock"
    with MemorySidecar() as sidecar:
        env = {**os.environ, "NEURAL_CAPTURE_ENDPOINT": sidecar.endpoint, "NEURAL_CAPTURE_FLUSH_INTERVAL": "0.02"}
        server = subprocess.Popen([PYTHON, "triton_server.py", address], cwd=FOLDER, env=env, stdout=subprocess.PIPE)
        try:
            assert server.stdout.readline() == b"ready\n"
            done = subprocess.run(
                [PYTHON, "triton_client.py", address], cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.stdout == "done\n", done.stderr
            assert sidecar.wait_for(lambda kept: len(kept.events) >= 25, 20), len(sidecar.events)
        finally:
            server.kill()
            server.wait()
            server.stdout.close()
    events = {
        path: [event for event in sidecar.events if event.path.endswith(path)] for path in ("ModelInfer", "ModelStreamInfer")
    }
    assert {event.protocol for event in sidecar.events} == {Protocol.GRPC}
    assert sorted(event.grpc_status for event in events["ModelInfer"]) == [0] * 21 + [5]

    first = decode(events["ModelInfer"][0])
    assert first.failures == []
    [batch] = first.rows
    assert batch.model == "fraud"
    assert list(batch.row_ids) == ["mine:0", "mine:1"], "the protocol's own id goes before the header's"
    assert batch.features["carrier"].values.tolist() == ["AA", "DL"]
    assert batch.probabilities["1"].tolist() == [0.75, 0.125]

    [stream] = events["ModelStreamInfer"]
    streamed = decode(stream)
    assert streamed.failures == []
    assert sum(map(len, streamed.rows)) == 3
