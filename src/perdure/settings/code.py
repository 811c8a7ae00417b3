"""The settings `code_…`: the place where the code interpreter's code runs, and its limits."""

from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from perdure import urls

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class CodeSettings(BaseModel):
    """The part of `Settings` that the code interpreter needs."""

    # Only `Settings` itself is checked against, as a whole.
    model_config = ConfigDict(defer_build=True)

    code_sandbox: Literal["auto", "bubblewrap", "gateway", "scripted"] = "auto"
    """Where code runs. `auto` is the gateway where `code_gateway_url` is set, and else bubblewrap
    on this machine; `scripted` runs no code, for tests of your program."""

    code_timeout_seconds: Seconds = 120.0
    """Seconds that one execution of the code interpreter may take, before it is interrupted."""

    code_idle_seconds: Seconds = 3600.0
    """Seconds after which a session of the code interpreter that nobody uses ends."""

    code_memory_mib: Annotated[int, Field(ge=256)] = 2048
    """Memory in MiB that one session of the code interpreter may use, its files included."""

    code_disk_mib: Annotated[int, Field(ge=1)] = 1024
    """Size in MiB of the files in /mnt/data of one session; they are kept in memory."""

    code_max_sessions: Annotated[int, Field(ge=1)] = 20
    """Sessions of the code interpreter that live at once; for another, the idlest one ends."""

    code_spare_sessions: Annotated[int, Field(ge=0)] = 1
    """Sessions of the code interpreter that are kept ready for threads that have none yet."""

    code_gateway_url: str | None = None
    """URL of a Jupyter gateway whose kernels run the code; without it, this machine does."""

    code_gateway_token: SecretStr | None = None
    """Token sent to the gateway."""

    code_gateway_kernel: str | None = None
    """Name of the kernelspec that the gateway starts; without it, the gateway's default."""

    @field_validator("code_gateway_url")
    @classmethod
    def _check_gateway_url(cls, url: str | None) -> str | None:
        parts = urls.split(url or "http://host")
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or "@" in parts.netloc
            or parts.query
            or parts.fragment
        ):
            raise ValueError("expected a URL such as http://gateway.internal:8888")
        return url and url.rstrip("/")

    @field_validator("code_gateway_token")
    @classmethod
    def _check_gateway_token(cls, token: SecretStr | None) -> SecretStr | None:
        text = token.get_secret_value() if token else ""
        if not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError("a token has no spaces, and nothing but printable ASCII characters")
        return token

    @model_validator(mode="after")
    def _check_gateway(self) -> Self:
        if (self.code_gateway_token or self.code_gateway_kernel) and not self.code_gateway_url:
            raise ValueError(
                "code_gateway_token and code_gateway_kernel need code_gateway_url: name the "
                "gateway too"
            )
        if self.code_sandbox == "gateway" and not self.code_gateway_url:
            raise ValueError(
                "code_sandbox is gateway but code_gateway_url is not set: name the gateway too"
            )
        if self.code_gateway_url and self.code_sandbox not in ("auto", "gateway"):
            raise ValueError(
                f"code_gateway_url is set but code_sandbox is {self.code_sandbox}: no gateway "
                "would be used"
            )
        return self

    @property
    def sandbox(self) -> str:
        """The kind of sandbox in use."""
        if self.code_sandbox != "auto":
            return self.code_sandbox
        return "gateway" if self.code_gateway_url else "bubblewrap"
