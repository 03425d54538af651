"""The one door: `code_session(facts, terms, codebook) -> Ruling`."""
