"""Any protobuf service, by its descriptor set (``protoc --descriptor_set_out=FILE --include_imports``).

Messages become the JSON they stand for, and are then read as plain JSON: by the mapping, else by the usual shapes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from neural.monitoring.decode.grpc_messages import request_messages, response_messages
from neural.monitoring.decode.parsed import Exchange, Reads, Reason, Request, Table, Undecodable
from neural.monitoring.decode.protocols.plain import MappedJSON, PlainJSON
from neural.monitoring.decode.settings import DecodeSettings
from neural.monitoring.errors import ConfigError

_MAX_DEPTH: Final = 16
_MAX_DESCRIPTOR_BYTES: Final = 16 * 2**20
_TYPE_MESSAGE: Final = 11
_TYPE_BYTES: Final = 12
_TYPE_ENUM: Final = 14


class DescribedProtobuf:
    """gRPC methods that the descriptor set, or the configuration, names."""

    name = "protobuf"
    reads: Reads = "bytes"

    def __init__(self, settings: DecodeSettings) -> None:
        self._plain = MappedJSON(settings.mapping) if settings.mapping is not None else PlainJSON(any_path=True)
        self._methods = _methods(settings)

    def claims_path(self, path: str) -> bool:
        return path in self._methods

    def claims(self, exchange: Exchange) -> bool:
        return exchange.event.path in self._methods

    def request(self, exchange: Exchange) -> Request:
        messages = request_messages(exchange.event, exchange.request)
        exchange.request_document = _documents(self._method(exchange)[0], messages)
        return self._plain.request(exchange)

    def response(self, exchange: Exchange, request: Request) -> Table | None:
        messages = response_messages(exchange.event, exchange.response)
        exchange.response_document = _documents(self._method(exchange)[1], messages)
        return self._plain.response(exchange, request)

    def _method(self, exchange: Exchange) -> tuple[Any, Any]:
        found = self._methods.get(exchange.event.path)
        if found is None:
            raise Undecodable(Reason.NO_DECODER, "the descriptor set does not know this method")
        return found


def _methods(settings: DecodeSettings) -> dict[str, tuple[Any, Any]]:
    """Path → (request class, response class)."""
    if not settings.descriptor_set:
        return {}
    from google.protobuf import descriptor_pool, message_factory

    files = _read(Path(settings.descriptor_set))
    pool = descriptor_pool.DescriptorPool()
    try:
        for file in files:
            pool.Add(file)
        types = {
            f"/{file.package + '.' if file.package else ''}{service.name}/{method.name}": (method.input_type, method.output_type)
            for file in files
            for service in file.service
            for method in service.method
        }
        types |= {path: (names[0], names[1]) for path, names in settings.messages.items() if len(names) == 2}
        return {
            path: (
                message_factory.GetMessageClass(pool.FindMessageTypeByName(request.lstrip("."))),
                message_factory.GetMessageClass(pool.FindMessageTypeByName(response.lstrip("."))),
            )
            for path, (request, response) in types.items()
        }
    except (KeyError, TypeError) as error:
        raise ConfigError(f"the descriptor set does not fit: {error}", key="capture.descriptor_set") from None


def _read(path: Path) -> list[Any]:
    from google.protobuf import descriptor_pb2
    from google.protobuf.message import DecodeError

    try:
        if path.stat().st_size > _MAX_DESCRIPTOR_BYTES:
            raise ConfigError(f"{path} is larger than {_MAX_DESCRIPTOR_BYTES} bytes", key="capture.descriptor_set")
        return list(descriptor_pb2.FileDescriptorSet.FromString(path.read_bytes()).file)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", key="capture.descriptor_set") from None
    except DecodeError:
        hint = "write it with protoc --include_imports --descriptor_set_out"
        raise ConfigError(f"{path} is no descriptor set", key="capture.descriptor_set", hint=hint) from None


def _documents(message_class: Any, messages: list[bytes]) -> Any:
    """One message's document; the list of them when a stream had several."""
    documents = [_document(message_class, message) for message in messages]
    return documents[0] if len(documents) == 1 else documents


def _document(message_class: Any, body: bytes) -> Any:
    from google.protobuf.message import DecodeError

    try:
        return _plain(message_class.FromString(body), 0)
    except (DecodeError, RecursionError):
        raise Undecodable(Reason.BAD_PROTOBUF, f"no {message_class.DESCRIPTOR.name}") from None


def _plain(message: Any, depth: int) -> dict[str, Any]:
    """A message as plain values. Scalars without presence show their default; unset optional ones are missing."""
    if depth == _MAX_DEPTH:
        raise Undecodable(Reason.TOO_DEEP, f"messages nested more than {_MAX_DEPTH} deep")
    return {field.name: _field(message, field, depth) for field in message.DESCRIPTOR.fields}


def _field(message: Any, field: Any, depth: int) -> Any:
    value = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        item = field.message_type.fields_by_name["value"]
        return {str(key): _value(value[key], item, depth) for key in value}
    if field.is_repeated:
        return [_value(item, field, depth) for item in value]
    if field.has_presence and not message.HasField(field.name):
        return None
    return _value(value, field, depth)


def _value(value: Any, field: Any, depth: int) -> Any:
    if field.type == _TYPE_MESSAGE:
        return _plain(value, depth + 1)
    if field.type == _TYPE_ENUM:
        named = field.enum_type.values_by_number.get(value)
        return named.name if named is not None else value
    return value.decode("utf-8", "backslashreplace") if field.type == _TYPE_BYTES else value
