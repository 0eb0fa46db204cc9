"""Trials made on a Ray cluster: a task for each batch, whose results and logs are brought home."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from msgspec.structs import replace

from adk_flow.comparison.experiment import Experiment
from adk_flow.comparison.processes import split_trials
from adk_flow.comparison.store import DrawPage, PackedTrial, Trial, TrialStore
from adk_flow.comparison.trials import Batch, make_batch, open_store
from adk_flow.errors import AdkFlowError

_LARGEST_BATCH = 50
_MOST_LOSSES = 3
"""How often a task may be lost with its worker or node."""
_PATIENCE = 5
"""Seconds in which a cluster has to answer."""
_NOT_SHIPPED = [".git", ".venv*", "venv", "__pycache__", "comparisons", "flow_logs", ".env"]
"""Of the app's folder, besides what its .gitignore names."""


def run_on_ray(
    experiment: Experiment,
    trials: Sequence[Trial],
    store: TrialStore,
    jobs: int | None,
    page: DrawPage | None,
    advance: Callable[[int], None],
) -> Batch:
    """Makes trials on the cluster of RAY_ADDRESS, or one of this machine with `jobs` processors.

    A task whose worker or node is lost is made again.

    Raises:
      AdkFlowError: Ray cannot begin, or loses a batch again and again; or as for `make_batch`.
    """
    whole, app = Batch({}, set()), Path(experiment.app)
    shipped = Path.cwd() if app.is_relative_to(Path.cwd()) else app.parent
    # Relative, as each worker has its own copy of the folder, in which it works.
    data = msgspec.json.encode(replace(experiment, app=str(app.relative_to(shipped))))
    with _cluster(shipped, jobs) as ray:
        make = ray.remote(max_retries=_MOST_LOSSES)(_make)
        workers = int(ray.cluster_resources().get("CPU", 1))
        batches = split_trials(trials, workers, _LARGEST_BATCH)
        tasks = [make.remote(data, batch, page) for batch in batches]
        while tasks:
            (done, *_), tasks = ray.wait(tasks)
            batch, packed = _result(ray, done)
            for trial, kept in packed.items():
                store.unpack(kept)
                batch.runs[trial].log = str(store.log_of(trial))
            whole.add(batch)
            advance(len(packed))
    return whole


def _make(
    experiment: bytes, trials: list[Trial], page: DrawPage | None
) -> tuple[Batch, dict[Trial, PackedTrial]]:
    """Makes trials on a worker, and packs them."""
    with TemporaryDirectory() as folder:
        batch = make_batch(experiment, Path(folder), page, trials)
        store = open_store(Path(folder), experiment)
        return batch, {trial: kept for trial in trials if (kept := store.pack(trial))}


def _result(ray: Any, task: Any) -> Any:
    try:
        return ray.get(task)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, AdkFlowError):
            raise error.cause from None
        raise
    except ray.exceptions.RayError as error:
        raise AdkFlowError(f"Ray gave up: {' '.join(str(error).split())}") from None


def check_cluster() -> None:
    """Refuses a RAY_ADDRESS of no form of Ray's, or where nothing listens, which Ray tries long.

    Raises:
      AdkFlowError: it is one, or Ray is not installed.
    """
    if find_spec("ray") is None:
        raise _refusal("needs ray: install adk-flow's extra `ray`")
    address = os.environ.get("RAY_ADDRESS", "")
    protocol, _, place = address.rpartition("://")
    host, _, port = place.rpartition(":")
    if address in ("", "auto", "local") or protocol not in ("", "ray"):
        return
    if not (host and port.isdecimal() and int(port) < 2**16):
        forms = "127.0.0.1:6379, ray://127.0.0.1:10001 or auto"
        raise _refusal(f"cannot begin: RAY_ADDRESS {address} is no address; expected {forms}")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()
    except (OSError, UnicodeError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise _refusal(
            f"cannot begin: nothing answers at RAY_ADDRESS {address}: {reason}"
        ) from None


def _refusal(reason: str) -> AdkFlowError:
    return AdkFlowError(reason, argument="engine", value="ray")


@contextmanager
def _cluster(shipped: Path, jobs: int | None) -> Iterator[Any]:
    """Connects to a cluster, to which a folder is shipped; one of this machine ends with it."""
    address = os.environ.get("RAY_ADDRESS", "")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if not address or address.startswith(("127.0.0.1", "localhost")):
        # Else it takes the address that others reach (2.60, _private/services.py).
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    ray: Any = import_module("ray")
    local = {} if address else {"num_cpus": jobs, "_node_ip_address": "127.0.0.1"}
    environment = {
        "working_dir": str(shipped),
        "py_modules": [str(Path(__file__).parents[1])],
        "excludes": _NOT_SHIPPED,
        "env_vars": {"MODEL_NAME": os.environ.get("MODEL_NAME", "")},
    }
    handler = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(
            address=address or "local",
            runtime_env=environment,
            include_dashboard=None if address else False,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            **local,
        )
    except Exception as error:  # it has no class of its own for what a cluster lacks
        words = " ".join(str(error).split())
        place = f" with RAY_ADDRESS {address}" if address else ""
        raise _refusal(f"cannot begin{place}: {words}") from error
    try:
        signal.signal(signal.SIGTERM, handler)  # which it has taken for itself
        yield ray
    finally:
        ray.shutdown()
