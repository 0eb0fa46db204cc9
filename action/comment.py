"""Keeps a report as the one comment of adk-flow on a pull request; standard library only."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

_LONGEST = 60_000
"""Characters, of the 65,536 that GitHub takes."""
_PER_PAGE = 100


def main() -> None:
    """Changes the comment that is there, or adds one; says so if the token may not."""
    report = Path(sys.argv[1]).read_text(encoding="utf-8")
    marker = report.splitlines()[0]
    comments = f"repos/{os.environ['GITHUB_REPOSITORY']}/issues/{os.environ['NUMBER']}/comments"
    if len(report) > _LONGEST:
        report = f"{marker}\n### Flow\n\nThe report is long: see the summary of the workflow's run."
    try:
        number = _own_comment(comments, marker)
        place = f"{comments.rpartition('/issues/')[0]}/issues/comments/{number}"
        _ask("PATCH", place, report) if number else _ask("POST", comments, report)
    except HTTPError as error:
        if error.code not in (401, 403, 404):
            raise
        needed = "it needs the permission `pull-requests: write`"
        print(f"::warning::adk-flow: the token may not comment, {needed}; see the job's summary")


def _own_comment(comments: str, marker: str) -> int:
    """Finds the comment that begins with the marker; anybody may write one, so a bot's only."""
    page = 1
    while found := _ask("GET", f"{comments}?per_page={_PER_PAGE}&page={page}"):
        for comment in found:
            writer, words = comment["user"] or {}, comment["body"] or ""  # either may be null
            if writer.get("type") == "Bot" and words.startswith(marker):
                return comment["id"]
        page += 1
    return 0


def _ask(method: str, path: str, body: str = "") -> Any:
    headers = {
        "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    data = json.dumps({"body": body}).encode() if body else None
    url = f"{os.environ['GITHUB_API_URL']}/{path}"
    with urlopen(Request(url, data, headers, method=method), timeout=30) as answer:
        return json.load(answer)


main()
