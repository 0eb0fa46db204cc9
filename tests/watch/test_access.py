"""Who may read the page: requests for anything but the printed address are refused."""

import asyncio
import os

import pytest
from starlette.testclient import TestClient

from adk_flow.watch.access import Access
from adk_flow.watch.server import Pages
from adk_flow.watch.sessions import WatchedFolder
from tests.watch.logs import record_desk

SECRET, PORT = "s3cret", 4711
ADDRESS = f"http://127.0.0.1:{PORT}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    asyncio.run(record_desk(folder))
    return folder


@pytest.fixture
def client(folder):
    app = Access(Pages(folder, f"/{SECRET}/").app, SECRET, PORT)
    return TestClient(app, base_url=ADDRESS)


def session_in(client) -> str:
    page = client.get(f"/{SECRET}/").text
    return page.partition('data-session="')[2].partition('"')[0]


def test_the_printed_address_shows_the_newest_session_and_what_is_known_of_its_records(client):
    page = client.get(f"/{SECRET}/")
    detail = client.get(f"/{SECRET}/s/{session_in(client)}/0")

    assert page.status_code == detail.status_code == 200
    assert "How dear is a loan?" in page.text
    assert "user_message" in detail.text


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("//", {}),
        ("/wrong/", {}),
        (f"/{SECRET}x/", {}),
        (f"/{SECRET}/", {"host": "evil.example"}),
        (f"/{SECRET}/", {"host": f"evil.example:{PORT}"}),
        (f"/{SECRET}/", {"host": "127.0.0.1:1"}),
        (f"/{SECRET}/", {"origin": "http://evil.example"}),
        (f"/{SECRET}/", {"origin": "null"}),
        (f"/{SECRET}/", {"origin": "http://127.0.0.1:8000"}),
        (f"/{SECRET}/events", {"origin": "https://evil.example"}),
    ],
)
def test_without_the_secret_or_from_elsewhere_everything_is_refused(client, path, headers):
    answer = client.get(path, headers=headers)

    assert answer.status_code == 403
    assert "How dear" not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_nothing_can_be_sent(client, method):
    assert client.request(method, f"/{SECRET}/").status_code == 403


@pytest.mark.parametrize(
    "id", ["%2e%2e", "..%2f..%2fetc%2fpasswd", "%00", "a.jsonl", "0" * 24, "é"]
)
def test_an_id_is_no_path(client, id):
    for path in (f"/{SECRET}/s/{id}", f"/{SECRET}/s/{id}/0"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("record", ["-1", "99999", "x", "1e3", "9" * 5000])
def test_a_record_that_is_not_there_is_not_found(client, record):
    assert client.get(f"/{SECRET}/s/{session_in(client)}/{record}").status_code == 404


def test_every_answer_forbids_what_a_page_could_do_with_it(client):
    for path in (f"/{SECRET}/", f"/{SECRET}/s/x", "/"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        names = ("x-content-type-options", "referrer-policy", "cache-control")
        assert [headers[name] for name in names] == ["nosniff", "no-referrer", "no-store"]
        assert not any(name.startswith("access-control") for name in headers)


def test_links_out_of_the_folder_and_what_is_no_file_are_left_out(tmp_path, folder):
    watched = tmp_path / "watched"
    (watched / "real").mkdir(parents=True)
    (log,) = folder.rglob("*.jsonl")
    (watched / "link.jsonl").symlink_to(log)
    (watched / "folder").symlink_to(folder, target_is_directory=True)
    (watched / "dir.jsonl").mkdir()
    os.mkfifo(watched / "pipe.jsonl")
    looked = WatchedFolder(watched)

    assert list(looked.look()) == []

    (watched / "real" / "a.jsonl").write_bytes(log.read_bytes())
    list(looked.look())
    assert len(looked.sessions) == 1


def test_a_session_has_an_id_that_tells_nothing_and_is_another_in_another_process(folder):
    looks = WatchedFolder(folder), WatchedFolder(folder)
    ids = {session.id for looked in looks for session, _ in looked.look()}

    assert len(ids) == 2
    (log,) = folder.rglob("*.jsonl")
    assert not any(id in str(log) for id in ids)
