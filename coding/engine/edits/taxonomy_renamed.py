"""TAXONOMY_RENAMED."""

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def taxonomy_renamed(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """The physician's taxonomy goes by another name now."""
    taxonomy = codebook.taxonomies.get(facts.rendering_taxonomy)
    if taxonomy is None or not taxonomy.use_instead:
        return None
    return find(
        "taxonomy_renamed",
        taxonomy.citations,
        taxonomy=taxonomy.code,
        use_instead=taxonomy.use_instead,
        label=codebook.taxonomies[taxonomy.use_instead].label,
    )
