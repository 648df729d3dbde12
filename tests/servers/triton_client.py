"""NVIDIA's own client against triton_server.py: ``triton_client.py ADDRESS``. Asserts its answers."""

from __future__ import annotations

import queue
import sys

import numpy as np
import tritonclient.grpc as triton

client = triton.InferenceServerClient(sys.argv[1])
assert client.is_server_live()
assert client.get_model_metadata("fraud").versions == ["1"]


def inputs(rows):
    x = triton.InferInput("x", [len(rows), 2], "FP32")
    x.set_data_from_numpy(np.array(rows, dtype=np.float32))
    carrier = triton.InferInput("carrier", [len(rows)], "BYTES")
    carrier.set_data_from_numpy(np.array([b"AA", b"DL", b"UA"][: len(rows)], dtype=np.object_))
    return [x, carrier]


result = client.infer("fraud", inputs([[0.25, 0.5], [0.125, 0.0]]), request_id="mine", headers={"x-prediction-id": "from-header"})
assert result.as_numpy("probability").tolist() == [0.75, 0.125]
for _ in range(20):
    client.infer("fraud", inputs([[0.5, 0.25]]))
try:
    client.infer("nothing", inputs([[0, 0]]))
    sys.exit("an unknown model was served")
except triton.InferenceServerException as error:
    assert "NOT_FOUND" in str(error), error

answers: queue.Queue = queue.Queue()
client.start_stream(callback=lambda result, error: answers.put((result, error)))
for i in range(3):
    client.async_stream_infer("fraud", inputs([[0.1 * i, 0.0]]), request_id=f"s{i}")
got = [answers.get(timeout=10) for _ in range(3)]
client.stop_stream()
assert [error for _, error in got] == [None] * 3
client.close()
print("done")
