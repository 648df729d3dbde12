"""What the sidecar serves to people and programs: capture's door, the dashboard and the API."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr, StringConstraints, field_validator

from neural.monitoring.section import Duration, Section, Size
from neural.monitoring.settings.addresses import Address, ListenAddress, parse_address
from neural.monitoring.settings.export import Port

DEFAULT_LISTEN = "unix:///var/run/neural/capture.sock"


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class TLSSettings(Section):
    """Encryption for the doors that are reached over TCP."""

    certificate: str
    """PEM file with the certificate, and those above it."""
    key: str
    """PEM file with its private key."""
    client_ca: str | None = None
    """PEM file with the authority whose certificates clients must show (mTLS); none is asked for where left out. It then takes no token."""


class ListenSettings(Section):
    """Where captured requests come in, and how much of them is taken."""

    listen: Annotated[
        tuple[ListenAddress, ...],
        Field(min_length=1, max_length=8),
        BeforeValidator(_one_or_many, json_schema_input_type=str | tuple[str, ...]),
    ] = (DEFAULT_LISTEN,)
    """Where capture sends to: unix:///path or tcp://host:port, one or a list."""
    grpc: ListenAddress | None = None
    """Where capture sends to over gRPC, labels too: tcp://host:port or unix:///path; none where left out. Needs the extra grpc."""
    tls: TLSSettings | None = None
    """Encrypts what comes in over TCP, HTTP and gRPC; capture's endpoint is then https:// or grpcs://."""
    socket_mode: Annotated[str, StringConstraints(pattern=r"^0?[0-7]{3}$")] = "0660"
    """Permissions of the Unix socket."""
    tokens: tuple[SecretStr, ...] = ()
    """Bearer tokens that may send over TCP; needed unless the address is loopback or a Unix socket."""
    max_batch: Annotated[Size, Field(ge=1 << 10, le=1 << 30)] = 16 << 20
    """The largest batch that is read."""

    @field_validator("tokens")
    @classmethod
    def _not_empty(cls, tokens: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(not token.get_secret_value().strip() for token in tokens):
            raise ValueError("an empty token would let everybody in")
        return tokens

    @property
    def by_certificate(self) -> bool:
        """Who may send over TCP is told by certificates alone: one is asked for, and there is no token."""
        return self.tls is not None and self.tls.client_ca is not None and not self.tokens

    @property
    def addresses(self) -> tuple[Address, ...]:
        return tuple(parse_address(text) for text in self.listen)

    @property
    def grpc_address(self) -> Address | None:
        return parse_address(self.grpc) if self.grpc is not None else None


class DashboardSettings(Section):
    """The dashboard, and the JSON API beside it."""

    enabled: bool = True
    """Whether dashboard and API are served."""
    port: Port = 8052
    """The TCP port of dashboard and API."""
    host: str = "127.0.0.1"
    """The address they are bound to; 0.0.0.0 lets others in and asks for a token."""
    url: Annotated[str, StringConstraints(pattern=r"^(https?://\S+)?$")] = ""
    """Where people reach it, for the links in alerts; http://host:port where left out."""
    token: SecretStr | None = None
    """The bearer token for what changes things (silences, labels, reload); needed unless bound to loopback."""
    refresh: Annotated[Duration, Field(ge=1)] = 5.0
    """How often an open page asks for news."""

    @field_validator("token")
    @classmethod
    def _empty_is_none(cls, token: SecretStr | None) -> SecretStr | None:
        """An empty variable, as in token: ${TOKEN:-}, sets no token."""
        return token if token is not None and token.get_secret_value().strip() else None
