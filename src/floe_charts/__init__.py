"""floe-charts."""
