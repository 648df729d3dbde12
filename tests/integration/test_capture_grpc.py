"""gRPC servers, threaded and asyncio: the four kinds of call, codes, deadlines, clients that leave."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import grpc.aio
import pytest

from neural.capture.grpc import AioCaptureInterceptor, CaptureInterceptor
from neural.capture.testing import Collector
from neural.wire import Flag, Outcome, Protocol

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Text:
    """A message. Not a plain str: the asyncio server encodes those before the serialiser sees them."""

    def __init__(self, value):
        self.value = value


def encode(message) -> bytes:
    return message.value.encode()


def decode(data: bytes) -> Text:
    return Text(data.decode())


def client_encode(text: str) -> bytes:
    return text.encode()


def client_decode(data: bytes) -> str:
    return data.decode()


def framed(*messages: bytes) -> bytes:
    return b"".join(b"\0" + len(message).to_bytes(4, "big") + message for message in messages)


class Behaviours:
    """For the threaded server. What is asked for is what is done."""

    def unary(self, request, context):
        if request.value == "abort":
            context.abort(grpc.StatusCode.NOT_FOUND, "no")
        if request.value == "raise":
            raise RuntimeError("boom")
        if request.value == "code":
            context.set_code(grpc.StatusCode.RESOURCE_EXHAUSTED)
        if request.value == "wait":
            context.add_callback(self.gone.set)
            self.waiting.set()
            self.go_on.wait(10)
        if request.value == "broken":
            return 5
        return Text(request.value.upper())

    def __init__(self):
        self.waiting, self.go_on, self.gone = threading.Event(), threading.Event(), threading.Event()

    def stream_unary(self, requests, context):
        return Text("+".join(request.value for request in requests))

    def unary_stream(self, request, context):
        for i in range(3):
            yield Text(f"{request.value}{i}")
        if request.value == "raise":
            raise RuntimeError("boom")
        if request.value == "abort":
            context.abort(grpc.StatusCode.NOT_FOUND, "no")

    def stream_stream(self, requests, context):
        for request in requests:
            yield Text(request.value.upper())


class AioBehaviours:
    def __init__(self):
        self.waiting, self.go_on = asyncio.Event(), asyncio.Event()

    async def unary(self, request, context):
        if request.value == "abort":
            await context.abort(grpc.StatusCode.NOT_FOUND, "no")
        if request.value == "raise":
            raise RuntimeError("boom")
        if request.value == "code":
            context.set_code(grpc.StatusCode.RESOURCE_EXHAUSTED)
        if request.value == "wait":
            self.waiting.set()
            await self.go_on.wait()
        if request.value == "broken":
            return 5
        return Text(request.value.upper())

    async def stream_unary(self, requests, context):
        return Text("+".join([request.value async for request in requests]))

    async def unary_stream(self, request, context):
        for i in range(3):
            yield Text(f"{request.value}{i}")
        if request.value == "raise":
            raise RuntimeError("boom")
        if request.value == "abort":
            await context.abort(grpc.StatusCode.NOT_FOUND, "no")

    async def stream_stream(self, requests, context):
        async for request in requests:
            await context.write(Text(request.value.upper()))


def handlers(behaviours):
    kinds = {
        "Unary": grpc.unary_unary_rpc_method_handler(behaviours.unary, decode, encode),
        "StreamUnary": grpc.stream_unary_rpc_method_handler(behaviours.stream_unary, decode, encode),
        "UnaryStream": grpc.unary_stream_rpc_method_handler(behaviours.unary_stream, decode, encode),
        "StreamStream": grpc.stream_stream_rpc_method_handler(behaviours.stream_stream, decode, encode),
        "Raw": grpc.unary_unary_rpc_method_handler(behaviours.unary_raw) if hasattr(behaviours, "unary_raw") else None,
    }
    return grpc.method_handlers_generic_handler("t.T", {name: handler for name, handler in kinds.items() if handler})


class Server:
    """One of the two kinds of server with capture in it, asked through a plain blocking channel."""

    def __init__(self, interceptor, collector, behaviours, port, loop=None):
        self.interceptor, self.collector, self.behaviours, self.loop = interceptor, collector, behaviours, loop
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")

    def call(self, kind, request, **options):
        stub = getattr(self.channel, kind)
        method = "".join(word.title() for word in kind.split("_"))
        method = {"UnaryUnary": "Unary"}.get(method, method)
        return stub(f"/t.T/{method}", request_serializer=client_encode, response_deserializer=client_decode)(request, **options)

    def events(self, number):
        assert self.collector.wait_for(lambda kept: len(kept.events) >= number, 10)
        assert self.interceptor.flush(10)
        ledger = self.interceptor.ledger()
        assert (ledger.seen, ledger.shipped, ledger.in_flight) == (number, number, 0)
        return self.collector.events


def threaded(interceptors):
    behaviours = Behaviours()
    server = grpc.server(ThreadPoolExecutor(4), interceptors=interceptors)
    server.add_generic_rpc_handlers((handlers(behaviours),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return behaviours, port, None, lambda: server.stop(0).wait()


def on_a_loop(interceptors, behaviours=AioBehaviours):
    """The asyncio server on a loop of its own, on a thread."""
    started, made = threading.Event(), {}

    async def serve():
        made["behaviours"], made["stop"] = behaviours(), asyncio.Event()
        server = grpc.aio.server(interceptors=interceptors, migration_thread_pool=ThreadPoolExecutor(4))
        server.add_generic_rpc_handlers((handlers(made["behaviours"]),))
        made["port"], made["loop"] = server.add_insecure_port("127.0.0.1:0"), asyncio.get_running_loop()
        await server.start()
        started.set()
        await made["stop"].wait()
        await server.stop(0)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert started.wait(10)

    def stop():
        made["loop"].call_soon_threadsafe(made["stop"].set)
        thread.join(10)

    return made["behaviours"], made["port"], made["loop"], stop


@pytest.fixture(params=["threaded", "asyncio", "plain functions in the asyncio server"])
def server(request):
    collector = Collector()
    kind = CaptureInterceptor if request.param == "threaded" else AioCaptureInterceptor
    interceptor = kind(model="m", transport=collector, flush_interval=0.01, grpc_id=True)
    if request.param == "threaded":
        behaviours, port, loop, stop = threaded([interceptor])
    else:
        behaviours, port, loop, stop = on_a_loop([interceptor], AioBehaviours if request.param == "asyncio" else Behaviours)
    made = Server(interceptor, collector, behaviours, port, loop)
    made.kind = request.param
    yield made
    made.channel.close()
    stop()
    interceptor.close()


def test_a_unary_call_is_recorded_as_its_bytes(server):
    assert (
        server.call("unary_unary", "hello", metadata=[("traceparent", TRACEPARENT), ("x-request-id", "r1"), ("secret", "s")])
        == "HELLO"
    )
    [event] = server.events(1)
    assert (event.protocol, event.method, event.path, event.model) == (Protocol.GRPC, "POST", "/t.T/Unary", "m")
    assert (event.request_body, event.response_body) == (b"hello", b"HELLO")
    assert (event.request_size, event.response_size) == (5, 5)
    assert (event.grpc_status, event.outcome, event.flags) == (0, Outcome.COMPLETED, Flag.NONE)
    assert event.traceparent == TRACEPARENT
    assert event.request_headers == {"x-request-id": "r1"}
    assert 0 < event.first_byte_ns <= event.duration_ns


def test_the_prediction_id_comes_back_with_the_trailing_metadata(server):
    method = server.channel.unary_unary("/t.T/Unary", request_serializer=client_encode, response_deserializer=client_decode)
    _, call = method.with_call("a")
    _, named = method.with_call("b", metadata=[("x-prediction-id", "order-1")])
    first, second = server.events(2)
    assert dict(call.trailing_metadata())["x-prediction-id"] == first.prediction_id
    assert dict(named.trailing_metadata())["x-prediction-id"] == second.prediction_id == "order-1"


def test_no_message_of_a_stream_is_left_out_however_far_the_behaviour_is_ahead(server):
    for _ in range(60):
        assert list(server.call("unary_stream", "x")) == ["x0", "x1", "x2"]
    assert {event.response_body for event in server.events(60)} == {framed(b"x0", b"x1", b"x2")}


def test_streams_are_recorded_message_by_message(server):
    assert server.call("stream_unary", iter(["a", "bc"])) == "a+bc"
    assert list(server.call("unary_stream", "x")) == ["x0", "x1", "x2"]
    assert list(server.call("stream_stream", iter(["a", "b"]))) == ["A", "B"]
    events = {event.path.rpartition("/")[2]: event for event in server.events(3)}
    up, down, both = events["StreamUnary"], events["UnaryStream"], events["StreamStream"]
    assert (up.request_body, up.response_body, up.flags) == (framed(b"a", b"bc"), b"a+bc", Flag.REQUEST_STREAMED)
    assert (down.request_body, down.response_body, down.flags) == (b"x", framed(b"x0", b"x1", b"x2"), Flag.STREAMED)
    assert (both.request_body, both.response_body) == (framed(b"a", b"b"), framed(b"A", b"B"))
    assert both.flags == Flag.STREAMED | Flag.REQUEST_STREAMED
    assert {event.grpc_status for event in events.values()} == {0}


@pytest.mark.parametrize(
    ("request_text", "code", "outcome"),
    [
        ("abort", grpc.StatusCode.NOT_FOUND, Outcome.COMPLETED),
        ("raise", grpc.StatusCode.UNKNOWN, Outcome.EXCEPTION),
        ("code", grpc.StatusCode.RESOURCE_EXHAUSTED, Outcome.COMPLETED),
    ],
)
def test_codes_are_those_the_client_sees(server, request_text, code, outcome):
    with pytest.raises(grpc.RpcError) as caught:
        server.call("unary_unary", request_text)
    assert caught.value.code() is code
    [event] = server.events(1)
    assert (event.grpc_status, event.outcome) == (code.value[0], outcome)


def test_an_answer_that_cannot_be_serialised_is_an_exception(server):
    with pytest.raises(grpc.RpcError):
        server.call("unary_unary", "broken")
    [event] = server.events(1)
    assert (event.grpc_status, event.outcome) == (13, Outcome.EXCEPTION)


def test_a_request_that_cannot_be_read_is_an_exception(server):
    method = server.channel.unary_unary("/t.T/Unary", request_serializer=bytes, response_deserializer=client_decode)
    with pytest.raises(grpc.RpcError):
        method(b"\xff")
    [event] = server.events(1)
    assert (event.grpc_status, event.outcome, event.request_body) == (13, Outcome.EXCEPTION, b"\xff")


def test_a_stream_that_raises_keeps_what_was_sent(server):
    for _ in range(60):
        with pytest.raises(grpc.RpcError):
            list(server.call("unary_stream", "raise"))
    events = server.events(60)
    assert {(event.grpc_status, event.outcome) for event in events} == {(2, Outcome.EXCEPTION)}
    assert {event.response_body for event in events} == {framed(b"raise0", b"raise1", b"raise2")}


def test_a_stream_that_is_aborted_has_the_code_of_the_abort(server, request):
    gc.disable()  # what ends only as it is collected ends by luck
    request.addfinalizer(gc.enable)
    for _ in range(20):
        with pytest.raises(grpc.RpcError) as caught:
            list(server.call("unary_stream", "abort"))
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    for event in server.events(20):
        assert (event.grpc_status, event.outcome) == (5, Outcome.COMPLETED)
        assert framed(b"abort0", b"abort1", b"abort2").startswith(event.response_body)  # an abort overtakes what waits


def test_a_deadline_that_passes_is_a_timeout(server):
    with pytest.raises(grpc.RpcError) as caught:
        server.call("unary_unary", "wait", timeout=0.3)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    if server.kind != "asyncio":  # that cancels its behaviour by itself
        time.sleep(0.2)  # the server's own deadline is a moment behind the client's: the call's way there
        server.behaviours.go_on.set()
    [event] = server.events(1)
    assert (event.grpc_status, event.outcome, event.failed) == (4, Outcome.TIMEOUT, True)


def test_a_client_that_cancels_is_disconnected(server):
    future = server.channel.unary_unary(
        "/t.T/Unary", request_serializer=client_encode, response_deserializer=client_decode
    ).future("wait")
    if isinstance(server.behaviours, AioBehaviours):
        while not server.behaviours.waiting.is_set():
            pass
    else:
        assert server.behaviours.waiting.wait(10)
    future.cancel()
    if server.kind == "threaded":
        assert server.behaviours.gone.wait(10)
    elif server.kind != "asyncio":
        time.sleep(0.2)  # a plain function in the asyncio server is not told
    if server.kind != "asyncio":  # that cancels its behaviour by itself
        server.behaviours.go_on.set()
    [event] = server.events(1)
    assert (event.grpc_status, event.outcome, event.failed) == (1, Outcome.DISCONNECTED, False)


def test_calls_another_interceptor_ends_are_counted_all_the_same():
    class Refuse(grpc.ServerInterceptor):
        def intercept_service(self, continuation, details):
            handler = continuation(details)

            def refuse(request, context):
                context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you?")

            return grpc.unary_unary_rpc_method_handler(refuse, handler.request_deserializer, handler.response_serializer)

    collector = Collector()
    interceptor = CaptureInterceptor(transport=collector, flush_interval=0.01)
    _, port, _, stop = threaded([Refuse(), interceptor])
    server = Server(interceptor, collector, None, port)
    with pytest.raises(grpc.RpcError):
        server.call("unary_unary", "x")
    [event] = server.events(1)
    assert event.outcome is Outcome.NO_RESPONSE
    server.channel.close()
    stop()
    interceptor.close()


def test_other_interceptors_see_true_messages():
    seen = []

    class Look(grpc.ServerInterceptor):
        def intercept_service(self, continuation, details):
            handler = continuation(details)

            def look(request, context):
                response = handler.unary_unary(request, context)
                seen.append((request.value, response.value))
                return response

            return grpc.unary_unary_rpc_method_handler(look, handler.request_deserializer, handler.response_serializer)

    collector = Collector()
    interceptor = CaptureInterceptor(transport=collector, flush_interval=0.01)
    for order in ([Look(), interceptor], [interceptor, Look()]):
        _, port, _, stop = threaded(order)
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            assert (
                channel.unary_unary("/t.T/Unary", request_serializer=client_encode, response_deserializer=client_decode)("a")
                == "A"
            )
        stop()
    assert seen == [("a", "A"), ("a", "A")]
    interceptor.close()
    assert [event.response_body for event in collector.events] == [b"A", b"A"]


def test_health_checks_and_unknown_methods_are_not_captured(server):
    with pytest.raises(grpc.RpcError) as caught:
        server.channel.unary_unary("/t.T/Nothing", request_serializer=client_encode, response_deserializer=client_decode)("x")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert server.interceptor.ledger().seen == 0


def test_many_calls_at_once_add_up(server):
    method = server.channel.unary_unary("/t.T/Unary", request_serializer=client_encode, response_deserializer=client_decode)
    with ThreadPoolExecutor(8) as pool:
        assert [*pool.map(method, [f"n{i}" for i in range(200)])] == [f"N{i}" for i in range(200)]
    events = server.events(200)
    assert (
        {event.request_body.upper() for event in events}
        == {event.response_body for event in events}
        == {b"N%d" % i for i in range(200)}
    )
