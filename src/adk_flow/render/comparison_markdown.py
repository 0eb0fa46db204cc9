"""A comparison as GitHub Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from adk_flow.comparison.aggregate import Comparison
from adk_flow.render.comparison_model import Section, describe_comparison
from adk_flow.render.markdown import escape_markdown, markdown_list, markdown_table
from adk_flow.render.tables import Table, flatten_table


def comparison_to_markdown(comparison: Comparison) -> str:
    """Writes all sections that say anything."""
    report = describe_comparison(comparison)
    facts = "; ".join(f"{label} {value}" for label, value in report.facts)
    blocks = [f"# {escape_markdown(report.title)}", escape_markdown(facts)]
    for section in report.sections.values():
        blocks += [] if section.is_empty else _blocks(section)
    return "\n\n".join(blocks) + "\n"


def _blocks(section: Section) -> Iterator[str]:
    yield f"## {section.title}"
    if section.table:
        yield from _table_blocks(section.table)
    if section.sentences:
        yield markdown_list(section.sentences)


def _table_blocks(table: Table) -> Iterator[str]:
    grid = flatten_table(table)
    header, *rows = [[escape_markdown(cell) for cell in row] for row in (grid.header, *grid.rows)]
    yield markdown_table(header, rows, align=":--" if grid.is_prose else "--:")
    if grid.legend:
        yield escape_markdown("; ".join(grid.legend))
