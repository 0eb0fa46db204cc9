"""Each test that the page of promises names is there."""

import re

from tests.doubles.pages import ROOT


def test_each_promise_has_a_test():
    page = (ROOT / "docs" / "promises.md").read_text().partition("## Faults")[0]
    promises = [line for line in page.splitlines() if line.startswith("| ")][1:]

    assert len(promises) > 10
    for promise in promises:
        names = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", promise)
        assert names, promise
        for file, test in names:
            assert f"def {test}" in (ROOT / file).read_text(), (file, test)
