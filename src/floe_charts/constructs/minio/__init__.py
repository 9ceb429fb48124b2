"""MinIO, the object store of development and test."""
