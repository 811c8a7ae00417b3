"""The settings of what a server tells about itself: logs and metrics."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class ObservationSettings(BaseModel):
    """The part of `Settings` for whoever watches a server."""

    # Only `Settings` itself is checked against, as a whole.
    model_config = ConfigDict(defer_build=True)

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe log lines that are written."""

    log_format: Literal["console", "json"] = "console"
    """`console` for people, `json` (one object a line) for machines."""

    access_log: bool = False
    """True if each request that was answered is a line of the log."""

    metrics_port: Annotated[int, Field(ge=0, le=65535)] | None = None
    """TCP port for `/metrics`, `/health` and `/ready`, without a key; without it, there is none."""

    metrics_host: str = "127.0.0.1"
    """Address of that port. Whoever can reach it can read the metrics."""
