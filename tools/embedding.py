"""WordLlama's word vectors, which come with its wheel: texts that are alike point the same way."""

import functools
from collections.abc import Sequence
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

Vectors = NDArray[np.float32]


def embed(texts: Sequence[str]) -> Vectors:
    """Embeds each text, none of them blank, as a row of unit length."""
    tokenizer, vectors = _load()
    tokens = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    rows = np.stack([vectors[ids].mean(axis=0, dtype=np.float32) for ids in tokens])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@functools.cache
def _load() -> tuple[Tokenizer, NDArray[np.float16]]:
    # Its own `load` sets up logging of the whole process (0.4.0).
    folder = Path(str(distribution("wordllama").locate_file("wordllama")))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizers/l2_supercat_tokenizer_config.json"))
    weights = load_file(folder / "weights/l2_supercat_256.safetensors")
    return tokenizer, weights["embedding.weight"]
