"""Turns texts into vectors whose dot product says how alike they are, without a network."""

import logging
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
"""Of the installed package, whose `weights` and `tokenizers` are the cache."""

_loading = threading.Lock()


def embed(texts: Sequence[str]) -> Vectors:
    """Embeds each text as a row of unit length; a text without words is a row of zeros."""
    with _loading:  # threads that come while it loads wait for it
        model = _load()
    rows = np.zeros((len(texts), model.embedding.shape[1]), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        if text.strip():
            # One text at a time: encode_batch starts threads that warn in a forked child. A lone
            # surrogate is no text for the tokenizer.
            plain = text.encode(errors="replace").decode()
            ids = model.tokenizer.encode(plain, add_special_tokens=False).ids
            row += model.embedding[ids].mean(axis=0)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, norms, out=rows, where=norms > 0)


@lru_cache(maxsize=1)
def _load() -> Any:
    # wordllama 0.4.0 calls logging.basicConfig when imported, which does nothing once the root
    # logger has a handler; so lend it one for the import.
    root, silence = logging.getLogger(), logging.NullHandler()
    root.addHandler(silence)
    try:
        from wordllama import WordLlama
    finally:
        root.removeHandler(silence)
    return WordLlama.load(cache_dir=_FOLDER, disable_download=True)
