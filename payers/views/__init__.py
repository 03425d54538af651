"""Pages about payers, one module an area."""
