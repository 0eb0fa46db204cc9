"""Rules and whether a flow keeps them, for a reader, for a CI's annotations, for a machine."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from adk_flow._text import one_line, plain
from adk_flow.check.evaluate import RuleResult
from adk_flow.render.documents import to_json

_REASON = 300
"""Characters shown of what breaks a rule."""


class CheckReport(NamedTuple):
    """What was checked."""

    file: str
    """The file of rules."""
    log: str
    rules: Sequence[RuleResult]

    @property
    def broken(self) -> list[RuleResult]:
        """The rules that are."""
        return [rule for rule in self.rules if rule.reason]


def _to_text(report: CheckReport) -> str:
    """Writes one line a broken rule, then how many there are."""
    lines = [f"{report.file}:{rule.line}: {rule.rule}: {_reason(rule)}" for rule in report.broken]
    number = len(report.rules)
    kept = "1 rule kept" if number == 1 else f"all {number} rules kept"
    sum_up = f"{len(lines)} of {number} rules broken" if lines else kept
    return plain("\n".join([*lines, f"{sum_up}; flow log: {report.log}"]))


def _reason(rule: RuleResult) -> str:
    return one_line(rule.reason, _REASON)


def _to_github(report: CheckReport) -> str:
    """Writes broken rules as GitHub's workflow commands, which it shows next to the file."""
    lines = [
        f"::error file={_property(report.file)},line={rule.line},"
        f"title={_property(f'adk-flow: {rule.rule}')}::{_data(_reason(rule))}"
        for rule in report.broken
    ]
    kept = len(report.rules) - len(report.broken)
    about = one_line(f"adk-flow: {kept} of {len(report.rules)} rules kept; {report.log}", _REASON)
    return "\n".join([*lines, f"::notice::{_data(about)}"])


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _to_junit(report: CheckReport) -> str:
    """Writes a test case a rule as JUnit's XML; what breaks it has its details, if there are."""
    from xml.etree import ElementTree

    counts = {"tests": str(len(report.rules)), "failures": str(len(report.broken))}
    root = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(root, "testsuite", {"name": "adk-flow check", **counts})
    for rule, name in zip(report.rules, _names(report.rules), strict=True):
        about = {"classname": _xml(report.file), "name": _xml(name), "line": str(rule.line)}
        case = ElementTree.SubElement(suite, "testcase", about)
        if rule.reason:
            failure = ElementTree.SubElement(case, "failure", {"message": _xml(_reason(rule))})
            failure.text = _xml("\n".join(rule.details or (_reason(rule),)))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False)


def _names(rules: Sequence[RuleResult]) -> Iterator[str]:
    """Names rules so that no two are alike, for a CI takes those for one."""
    met: Counter[str] = Counter()
    for rule in rules:
        name = f"{rule.rule} ({rule.about})" if rule.about else rule.rule
        met[name] += 1
        yield f"{name} #{met[name]}" if met[name] > 1 else name


def _xml(text: str) -> str:
    """Leaves out what XML 1.0 cannot hold: lone surrogates and U+FFFE, U+FFFF."""
    return re.sub("[\ud800-\udfff\ufffe\uffff]", "", plain(text))


def _to_json(report: CheckReport) -> str:
    """Writes every rule."""
    rules = [rule._asdict() | {"kept": not rule.reason} for rule in report.rules]
    return to_json("check", {"kept": not report.broken} | report._asdict() | {"rules": rules})


CHECK_WRITERS = {"text": _to_text, "junit": _to_junit, "github": _to_github, "json": _to_json}
"""By format."""
