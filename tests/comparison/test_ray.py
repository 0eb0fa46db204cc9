"""Trials on a Ray cluster of two nodes, of which one is lost: equal to one process."""

from __future__ import annotations

import os
import signal
import socket

import pytest

from adk_flow.errors import AdkFlowError
from tests.cli.test_signals import KEYLESS, end_all, in_a_terminal
from tests.comparison.test_processes import TALKS, written
from tests.comparison.test_processes import folder as folder
from tests.comparison.test_processes import made as made
from tests.comparison.test_processes import one as one

# Read as it is imported: 127.0.0.1 stays what it is.
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
ray = pytest.importorskip("ray")
pytestmark = [pytest.mark.environments, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def cluster(socket_enabled, monkeypatch):
    """A head and another node, of a processor each."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    cluster = pytest.importorskip("ray.cluster_utils").Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "include_dashboard": False, "node_ip_address": "127.0.0.1"},
    )
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    yield cluster
    cluster.shutdown()


def test_the_trials_of_a_node_that_is_lost_are_made_by_another(made, one, folder, cluster):
    lost = cluster.add_node(num_cpus=1, node_ip_address="127.0.0.1")
    seen = []

    def progress(done, planned):
        seen.append((done, planned))
        if len(seen) == 2:  # a batch is done, and others are under way
            cluster.remove_node(lost, allow_graceful=False)

    far = made("far", engine="ray", faults=True, progress=progress)

    assert written(far) == written(one)
    assert (seen[0], seen[-1]) == ((0, 28), (28, 28))
    assert len(cluster.list_all_nodes()) == 1
    assert not ray.is_initialized()


def test_a_cluster_that_does_not_answer_is_told_and_nothing_is_lost(made, folder, monkeypatch):
    made("unreachable", talks={"both": TALKS["both"]})
    kept = sorted((folder / "unreachable" / "logs").rglob("*.jsonl"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"  # closed from here on
    monkeypatch.setenv("RAY_ADDRESS", address)

    with pytest.raises(AdkFlowError) as error:
        made("unreachable", engine="ray")

    words = f"cannot begin: nothing answers at RAY_ADDRESS {address}: Connection refused"
    assert str(error.value) == f"engine ray: {words}"
    assert sorted((folder / "unreachable" / "logs").rglob("*.jsonl")) == kept
    assert len(made("unreachable").runs) == 12


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1", ":6379", "a:99999", "ray://head"])
def test_what_is_no_address_is_told_before_anything_is_made(made, folder, monkeypatch, address):
    monkeypatch.setenv("RAY_ADDRESS", address)
    seen = []

    with pytest.raises(AdkFlowError) as error:
        made("nowhere", engine="ray", progress=lambda *numbers: seen.append(numbers))

    words = f"engine ray: cannot begin: RAY_ADDRESS {address} is no address; expected 127.0.0.1:"
    assert str(error.value).startswith(words)
    assert not (seen or (folder / "nowhere").exists())


def test_ctrl_c_ends_a_comparison_on_ray_with_one_line(tmp_path):
    folder = tmp_path / "shipped"  # Ray would read a pipe in it without end
    (folder / "desk").mkdir(parents=True)
    (folder / "desk" / "agent.py").write_text(KEYLESS)
    os.mkfifo(tmp_path / "mark")
    process = in_a_terminal(folder, tmp_path / "mark", "--engine", "ray", "--jobs", "1")
    (tmp_path / "mark").read_text()
    end_all(process, signal.SIGINT)


def test_what_ray_cannot_make_is_refused(made):
    with pytest.raises(AdkFlowError, match="engine ray: is not for a budget"):
        made("limited", engine="ray", calls=9)
