"""The settings `tls_…`: the certificate that a server shows."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, field_validator, model_validator


class TlsSettings(BaseModel):
    """The part of `Settings` that makes a server speak TLS."""

    # Only `Settings` itself is checked against, as a whole.
    model_config = ConfigDict(defer_build=True)

    tls_cert: Path | None = None
    """Path of the server's certificate with those of its authorities, in PEM. With it the server
    speaks TLS, and nothing else."""

    tls_key: Path | None = None
    """Path of the certificate's key in PEM, without a password."""

    @field_validator("tls_cert", "tls_key")
    @classmethod
    def _expand_home_of_tls(cls, path: Path | None) -> Path | None:
        return path and path.expanduser()

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError("tls_cert and tls_key belong together: set both or none")
        return self
