"""Forms of the charge pages, one module an area."""
