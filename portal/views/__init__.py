"""The portal's views, one module an area."""
