"""Turns texts into vectors whose dot product says how alike they are, without a network."""

import threading
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

_SPEC = find_spec("wordllama")
if _SPEC is None or _SPEC.origin is None:
    raise ModuleNotFoundError("No module named 'wordllama'")
_FOLDER = Path(_SPEC.origin).parent
"""Of the installed package, which holds its weights and its tokenizer."""

_loading = threading.Lock()


def embed(texts: Sequence[str]) -> Vectors:
    """Embeds each text as a row of unit length; a text without words is a row of zeros."""
    with _loading:  # threads that come while it loads wait for it
        tokenizer, vectors = _load()
    rows = np.zeros((len(texts), vectors.shape[1]), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        if text.strip():
            # One text at a time: encode_batch starts threads that warn in a forked child. A lone
            # surrogate is no text for the tokenizer.
            plain = text.encode(errors="replace").decode()
            ids = tokenizer.encode(plain, add_special_tokens=False).ids
            row += vectors[ids].mean(axis=0, dtype=np.float32)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, norms, out=rows, where=norms > 0)


@lru_cache(maxsize=1)
def _load() -> tuple[Any, NDArray[np.float16]]:
    """Reads the tokenizer and the vectors; wordllama's own `load` (0.4) sets up logging as well."""
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(_FOLDER / "tokenizers/l2_supercat_tokenizer_config.json"))
    weights = load_file(_FOLDER / "weights/l2_supercat_256.safetensors")
    return tokenizer, weights["embedding.weight"]
