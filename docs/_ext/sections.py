"""Sections that a directive makes by itself, so that they stand in the contents of the page."""

from docutils import nodes
from sphinx.util.docutils import SphinxDirective


def section(directive: SphinxDirective, anchor: str, title: str, markdown: str) -> nodes.section:
    """Return a section with a heading as code and a body that MyST reads."""
    made = nodes.section(ids=[anchor], names=[anchor])
    made += nodes.title(title, "", nodes.literal(title, title))
    made += directive.parse_text_to_nodes(markdown)
    directive.state.document.note_explicit_target(made)
    return made
