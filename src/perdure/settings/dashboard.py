"""The settings of the dashboard."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class DashboardSettings(BaseModel):
    """The part of `Settings` that is about the dashboard."""

    # Only `Settings` itself is checked against, as a whole.
    model_config = ConfigDict(defer_build=True)

    dashboard: bool = True
    """True if the server has a dashboard for browsers, at `/ui/`."""

    dashboard_session_hours: Annotated[float, Field(gt=0, le=8760, allow_inf_nan=False)] = 12.0
    """Hours after which a browser must sign in to the dashboard again."""
