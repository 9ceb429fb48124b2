"""Apache Polaris, the Iceberg catalog."""
