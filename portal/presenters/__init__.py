"""The portal's presenters, one module an area."""
