"""Dagster, the orchestrator."""
