"""The portal's forms, one module an area."""
