"""Turns texts into vectors whose dot product says how alike they are, without a network."""

import logging
import threading
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from adk_flow.errors import AdkFlowError

MISSING = "the offline model needs its extra: pip install 'adk-flow[offline]'"

try:
    import numpy as np
    from numpy.typing import NDArray
except ImportError as error:
    raise AdkFlowError(MISSING) from error

Vectors = NDArray[np.float32]

_loading = threading.Lock()


def embed(texts: Sequence[str]) -> Vectors:
    """Embeds each text as a row of unit length; a text without words is a row of zeros."""
    model = _load()
    rows = np.zeros((len(texts), model.embedding.shape[1]), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        if text.strip():
            row += model.embedding[_token_ids(model, text)].mean(axis=0)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, norms, out=rows, where=norms > 0)


def _token_ids(model: Any, text: str) -> list[int]:
    # One text at a time: encode_batch starts threads that warn in a forked child.
    text = text.encode(errors="replace").decode()  # a lone surrogate is no text for it
    return model.tokenizer.encode(text, add_special_tokens=False).ids


def _load() -> Any:
    """Loads WordLlama on first use; threads that come meanwhile wait for it."""
    with _loading:
        return _load_once()


@lru_cache(maxsize=1)
def _load_once() -> Any:
    # wordllama 0.4.0 calls logging.basicConfig when imported, which does nothing once the root
    # logger has a handler; so lend it one for the import.
    root, silence = logging.getLogger(), logging.NullHandler()
    root.addHandler(silence)
    try:
        from wordllama import WordLlama
    except ImportError as error:
        raise AdkFlowError(MISSING) from error
    finally:
        root.removeHandler(silence)
    return WordLlama.load(cache_dir=_package_folder(), disable_download=True)


def _package_folder() -> Path:
    """Returns the installed package's folder: its `weights` and `tokenizers` are the cache."""
    spec = find_spec("wordllama")
    return Path(spec.origin).parent if spec and spec.origin else Path()
