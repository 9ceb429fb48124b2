"""Tests of the input model, its loaders, and what is found inside artifacts."""
