"""A comparison as GitHub Markdown."""

from __future__ import annotations

from adk_flow.comparison.aggregate import Comparison
from adk_flow.render.comparison_model import describe_comparison
from adk_flow.render.markdown import escape_markdown, markdown_section


def comparison_to_markdown(comparison: Comparison) -> str:
    """Writes all sections that say anything."""
    report = describe_comparison(comparison)
    facts = "; ".join(f"{label} {value}" for label, value in report.facts)
    sections = [section for section in report.sections.values() if not section.is_empty]
    blocks = [f"# {escape_markdown(report.title)}", escape_markdown(facts)]
    return "\n\n".join([*blocks, *map(markdown_section, sections)]) + "\n"
