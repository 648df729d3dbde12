"""A grpc.aio server of the Open Inference Protocol with capture in it: ``triton_server.py ADDRESS``. Prints "ready"."""

from __future__ import annotations

import asyncio
import struct
import sys

import grpc
import grpc.aio

from neural.capture.grpc import AioCaptureInterceptor

messages, services = grpc.protos_and_services("inference.proto")


def answer(request):
    """The sum of each row of x."""
    [x] = [at for at, tensor in enumerate(request.inputs) if tensor.name == "x"]
    rows, width = request.inputs[x].shape
    values = struct.unpack(f"<{rows * width}f", request.raw_input_contents[x])
    sums = [sum(values[row * width : (row + 1) * width]) for row in range(rows)]
    response = messages.ModelInferResponse(model_name=request.model_name, model_version="1", id=request.id)
    response.outputs.add(name="probability", datatype="FP32", shape=[rows])
    response.raw_output_contents.append(struct.pack(f"<{rows}f", *sums))
    return response


class Inference(services.GRPCInferenceServiceServicer):
    async def ServerLive(self, request, context):
        return messages.ServerLiveResponse(live=True)

    async def ModelMetadata(self, request, context):
        return messages.ModelMetadataResponse(name=request.name, versions=["1"], platform="test")

    async def ModelInfer(self, request, context):
        if request.model_name != "fraud":
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no model {request.model_name}")
        return answer(request)

    async def ModelStreamInfer(self, requests, context):
        async for request in requests:
            yield messages.ModelStreamInferResponse(infer_response=answer(request))


async def main() -> None:
    server = grpc.aio.server(interceptors=[AioCaptureInterceptor()])
    services.add_GRPCInferenceServiceServicer_to_server(Inference(), server)
    server.add_insecure_port(sys.argv[1])
    await server.start()
    print("ready", flush=True)
    await server.wait_for_termination()


asyncio.run(main())
