"""The certificate of the doors that are reached over TCP."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from neural.monitoring.errors import ConfigError
from neural.monitoring.settings import Settings


@dataclass(frozen=True, slots=True)
class TLSFiles:
    """PEM files that belong together. ``client_ca``: the authority whose certificates clients must show."""

    certificate: Path
    key: Path
    client_ca: Path | None = None


def tls_files(settings: Settings) -> TLSFiles | None:
    """The files of ``capture.tls``, tried. Raises ConfigError when they can't be used."""
    given = settings.capture.tls
    if given is None:
        return None
    client_ca = None if given.client_ca is None else settings.resolve(given.client_ca)
    files = TLSFiles(settings.resolve(given.certificate), settings.resolve(given.key), client_ca)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(files.certificate, files.key)
        if client_ca is not None:
            context.load_verify_locations(client_ca)
    except (OSError, ssl.SSLError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError(
            f"the certificate and key of capture.tls can't be used: {why}",
            where=settings.where("capture.tls"),
            key="capture.tls",
            hint="both are PEM files, and the key is the certificate's",
        ) from None
    return files
