"""Marquez, which keeps the lineage."""
