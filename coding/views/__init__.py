"""Pages about charges, one module an area."""
