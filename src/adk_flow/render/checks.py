"""Rules and whether a flow keeps them, for a reader, for a CI's annotations, for a machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.etree import ElementTree

import msgspec

from adk_flow._text import one_line, plain
from adk_flow.check.evaluate import Checked
from adk_flow.log.writer import writable

_REASON = 300
"""Characters shown of what breaks a rule."""


class Told(NamedTuple):
    """What was checked."""

    file: str
    """The file of rules."""
    log: str
    rules: Sequence[Checked]

    @property
    def broken(self) -> list[Checked]:
        """The rules that are."""
        return [rule for rule in self.rules if rule.reason]


def as_text(told: Told) -> str:
    """Writes one line a broken rule, then how many there are."""
    lines = [f"{told.file}:{rule.line}: {rule.rule}: {_reason(rule)}" for rule in told.broken]
    broken, number = len(told.broken), len(told.rules)
    kept = "1 rule" if number == 1 else f"all {number} rules"
    sum_up = f"{broken} of {number} rules broken" if broken else f"{kept} kept"
    return "\n".join(plain(line) for line in [*lines, f"{sum_up}; flow log: {told.log}"])


def _reason(rule: Checked) -> str:
    return one_line(rule.reason, _REASON)


def as_github(told: Told) -> str:
    """Writes broken rules as GitHub's workflow commands, which it shows beside the file."""
    lines = [
        f"::error file={_property(told.file)},line={rule.line},"
        f"title={_property(f'adk-flow: {rule.rule}')}::{_data(_reason(rule))}"
        for rule in told.broken
    ]
    kept = len(told.rules) - len(told.broken)
    about = one_line(f"adk-flow: {kept} of {len(told.rules)} rules kept; {told.log}", _REASON)
    return "\n".join([*lines, f"::notice::{_data(about)}"])


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def as_junit(told: Told) -> str:
    """Writes a test case a rule as JUnit's XML; what breaks it has its details, if there are."""
    counts = {"tests": str(len(told.rules)), "failures": str(len(told.broken))}
    suite = ElementTree.Element("testsuite", {"name": "adk-flow check", **counts})
    for rule, name in zip(told.rules, _names(told.rules), strict=True):
        about = {"classname": _xml(told.file), "name": _xml(name), "line": str(rule.line)}
        case = ElementTree.SubElement(suite, "testcase", about)
        if rule.reason:
            failure = ElementTree.SubElement(case, "failure", {"message": _xml(_reason(rule))})
            failure.text = _xml("\n".join(rule.details or (_reason(rule),)))
    root = ElementTree.Element("testsuites", counts)
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False)


def _names(rules: Sequence[Checked]) -> Iterator[str]:
    """Names rules so that no two are alike, for a CI takes those for one."""
    met: Counter[str] = Counter()
    for rule in rules:
        name = f"{rule.rule} ({rule.about})" if rule.about else rule.rule
        met[name] += 1
        yield f"{name} #{met[name]}" if met[name] > 1 else name


def _xml(text: str) -> str:
    """Leaves out what XML 1.0 cannot hold: lone surrogates and U+FFFE, U+FFFF."""
    kept = (one for one in plain(text) if not "\ud800" <= one <= "\udfff")
    return "".join(one for one in kept if one not in "\ufffe\uffff")


def as_json(told: Told) -> str:
    """Writes every rule."""
    rules = [rule._asdict() | {"kept": not rule.reason} for rule in told.rules]
    about = {"kept": not told.broken, "file": told.file, "log": told.log, "rules": rules}
    return msgspec.json.encode(writable(about)).decode()
