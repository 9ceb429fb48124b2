"""The platform parts."""
