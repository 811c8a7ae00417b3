"""Adjustments and windows that were learnt of model servers. An extension."""

from typing import Literal

from perdure.wire.base import Object


class ModelAdjustment(Object, kw_only=True):
    """A change to requests that a model of a server was found to need. `server` is its base URL.
    It is found out anew after `expires_at`.
    """

    id: str
    object: Literal["model_adjustment"] = "model_adjustment"
    created_at: int
    expires_at: int
    server: str
    model: str
    name: str


class ModelWindow(Object, kw_only=True):
    """The context window of a model in tokens, as the server takes it that was asked.

    `model` is the name that runs use. `source`: the model server told it, or it refused a longer
    prompt.
    """

    object: Literal["model_window"] = "model_window"
    model: str
    tokens: int
    source: Literal["told", "refused"]
    server_id: str
