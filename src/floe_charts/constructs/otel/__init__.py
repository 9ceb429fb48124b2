"""The OpenTelemetry Collector, the telemetry gateway."""
