"""Optimizers: those known by name, and how one call of any of them can serve many members."""
