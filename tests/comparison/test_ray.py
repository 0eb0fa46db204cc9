"""Trials on a Ray cluster of two nodes, of which one is lost: equal to one process."""

from __future__ import annotations

import os

import pytest

from adk_flow.errors import AdkFlowError
from tests.comparison.test_processes import folder as folder
from tests.comparison.test_processes import made as made
from tests.comparison.test_processes import one as one
from tests.comparison.test_processes import written

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


def test_what_ray_cannot_make_is_refused(made, cluster, monkeypatch):
    with pytest.raises(AdkFlowError, match="engine ray: is not for a budget"):
        made("limited", engine="ray", calls=9)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(AdkFlowError, match="engine ray: cannot begin: "):
        made("nowhere", engine="ray")
