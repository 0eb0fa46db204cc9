"""A comparison for the terminal, readable without colour, and as GitHub Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console

from adk_flow.comparison.aggregate import Comparison
from adk_flow.render.comparison_model import (
    describe_comparison,
    describe_setting,
    explain_kind,
    summarize_comparison,
)
from adk_flow.render.grid_text import print_section
from adk_flow.render.markdown import escape_markdown, markdown_section
from adk_flow.render.tables import Section
from adk_flow.render.terminal import print_remark, print_words


def print_summary(comparison: Comparison, console: Console) -> None:
    """Prints what was compared, what to take and what went wrong."""
    first, *rest = summarize_comparison(comparison)
    _print_title(first.title, comparison, console)
    print_section(first._replace(title=""), console)
    print_words("", console)
    _print_sections(rest, console)


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Prints all sections that say anything."""
    report = describe_comparison(comparison)
    _print_title(report.title, comparison, console)
    _print_sections(report.sections.values(), console)


def comparison_to_markdown(comparison: Comparison) -> str:
    """Writes all sections that say anything."""
    report = describe_comparison(comparison)
    blocks = [f"# {escape_markdown(report.title)}", escape_markdown(describe_setting(comparison))]
    sections = [section for section in report.sections.values() if not section.is_empty]
    return "\n\n".join([*blocks, *map(markdown_section, sections)]) + "\n"


def _print_title(title: str, comparison: Comparison, console: Console) -> None:
    """Prints what was compared, what its first word means, and how the runs were made."""
    print_words(title, console, style="bold")
    print_remark(f"{comparison.kind}: {explain_kind(comparison)}", console)
    print_remark(describe_setting(comparison), console)


def _print_sections(sections: Iterable[Section], console: Console) -> None:
    for section in sections:
        if not section.is_empty:
            print_section(section, console)
