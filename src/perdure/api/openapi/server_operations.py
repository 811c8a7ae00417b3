"""Operations on models, webhooks and the server itself, by method and path as in `ROUTES`."""

from perdure.api.openapi.operation import FRAMES, HTML, JSON, Listed, Operation
from perdure.api.openapi.parameters import PAGE
from perdure.wire.exchange import (
    BeginImport,
    ContentNeed,
    ImportBegun,
    ImportReport,
    QueryContent,
)
from perdure.wire.lists import Deleted, Model, Models
from perdure.wire.model_servers import ModelAdjustment, ModelWindow
from perdure.wire.servers import HealthReport, Server
from perdure.wire.webhook_deliveries import WebhookDelivery

_DELIVERY = "/webhook_deliveries/{delivery_id}"


def _relayed(prefix: str, suffix: str) -> dict[str, Operation]:
    """Returns the operations that are passed on to a model server as they are."""
    relayed = {
        "/chat/completions": ("createChatCompletion", "chat completion", True),
        "/completions": ("createCompletion", "completion", True),
        "/embeddings": ("createEmbedding", "embedding", False),
    }
    return {
        f"POST {prefix}{path}": Operation(
            f"{name}{suffix}", f"Create a {noun}, by a model server", JSON, JSON, streams=streams
        )
        for path, (name, noun, streams) in relayed.items()
    }


OPERATIONS: dict[str, Operation] = {
    "GET /webhook_deliveries": Operation(
        "listWebhookDeliveries",
        "List the deliveries of events to webhooks",
        Listed(WebhookDelivery),
        query=(*PAGE, "delivery_status"),
    ),
    f"GET {_DELIVERY}": Operation(
        "getWebhookDelivery", "Retrieve a delivery with its data", WebhookDelivery
    ),
    f"POST {_DELIVERY}/send_again": Operation(
        "sendWebhookDeliveryAgain", "Send a delivery again that was given up", WebhookDelivery
    ),
    "GET /servers": Operation("listServers", "List the servers of the database", Listed(Server)),
    "GET /health_report": Operation(
        "getHealthReport", "Examine the server that is asked", HealthReport
    ),
    "GET /model_adjustments": Operation(
        "listModelAdjustments",
        "List what model servers were found to need",
        Listed(ModelAdjustment),
    ),
    "DELETE /model_adjustments/{adjustment_id}": Operation(
        "deleteModelAdjustment", "Forget what a model server was found to need", Deleted
    ),
    "GET /model_windows": Operation(
        "listModelWindows", "List the context windows that were learnt", Listed(ModelWindow)
    ),
    "GET /export": Operation(
        "exportObjects",
        "Export all objects, or what is selected",
        FRAMES,
        query=("export_project", "assistant", "thread", "since", "files", "runs"),
    ),
    "POST /import/begin": Operation(
        "beginImport", "Begin an import, or go on with it", ImportBegun, BeginImport
    ),
    "POST /import/contents": Operation(
        "queryContentOfImport",
        "Say whether an import needs the content of a file",
        ContentNeed,
        QueryContent,
    ),
    "POST /import": Operation(
        "importObjects",
        "Import an object, or a thread with all that belongs to it",
        ImportReport,
        FRAMES,
        query=(
            *("import_project", "on_conflict", "keep_expired", "keeps_places"),
            "fills_gaps",
        ),
    ),
    "GET /models": Operation("listModels", "List the models of all model servers", Models),
    "GET /models/{model}": Operation("retrieveModel", "Retrieve a model", Model),
    "DELETE /models/{model}": Operation(
        "deleteModel", "Delete a model: always refused, since model servers have them", Deleted
    ),
    **_relayed("", ""),
    **_relayed("/deployments/{deployment}", "OfDeployment"),
    "GET /openapi.json": Operation("getDescription", "This description, in OpenAPI 3.1", JSON),
    "GET /docs": Operation("getDocs", "This description, as a page to be read", HTML),
}
