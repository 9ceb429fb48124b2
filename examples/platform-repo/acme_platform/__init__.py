"""ACME's data platform: floe, and what belongs to it at ACME."""

# Before any module imports cdk8s-plus: this tells cdk8s of the Node that comes as a wheel.
import floe_charts.helm  # noqa: F401
