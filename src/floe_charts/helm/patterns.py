"""Forms of texts among the values, as regular expressions (RE2, which Helm has): names, labels, amounts, paths.

After k8s.io/apimachinery/pkg/util/validation and k8s.io/kubernetes/pkg/apis/core/validation. Lengths are said beside
the pattern, by ``max_length``.
"""

from __future__ import annotations

__all__ = [
    "DNS_LABEL_PATTERN",
    "DNS_NAME_PATTERN",
    "ENV_NAME_PATTERN",
    "LABEL_KEY_PATTERN",
    "LABEL_VALUE_PATTERN",
    "NAMESPACE_PATTERN",
    "QUANTITY_PATTERN",
    "REGISTRY_PATTERN",
    "RELATIVE_PATH_PATTERN",
    "UNWRITABLE",
    "URL_PATH_PATTERN",
    "WRITABLE_PATTERN",
]

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = rf"({_SUBDOMAIN}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?"

QUANTITY_PATTERN = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$"
"""A Kubernetes quantity: apimachinery's grammar, less exponents and signs, which nobody writes in a chart."""
DNS_LABEL_PATTERN = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
"""An RFC 1035 label."""
NAMESPACE_PATTERN = rf"^{_LABEL}$"
"""An RFC 1123 label."""
DNS_NAME_PATTERN = rf"^{_SUBDOMAIN}$"
"""An RFC 1123 subdomain."""
LABEL_KEY_PATTERN = rf"^{_QUALIFIED}$"
"""The key of a label: a name, maybe behind a subdomain."""
LABEL_VALUE_PATTERN = r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"
ENV_NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"
REGISTRY_PATTERN = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]([a-z0-9._-]*[a-z0-9])?)*$"
"""The host of a registry, maybe with a port and with what stands before all repositories."""

# No part of a path begins with two dots, or is one.
_PART = r"\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*"
RELATIVE_PATH_PATTERN = rf"^{_PART}(/{_PART})*$"
"""A path inside a volume."""
_URL_PART = r"\.?[A-Za-z0-9_~-][A-Za-z0-9._~-]*"
URL_PATH_PATTERN = rf"^/({_URL_PART}(/{_URL_PART})*/?)?$"
"""The path of a URL that Ingress and HTTPRoute both take: no empty part, none of dots, nothing escaped."""

# As characters, not as escapes: Go's regular expressions do not know \\u.
UNWRITABLE = "\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\u2028\u2029\ufffe\uffff"
"""What Helm's toYaml writes so that YAML readers refuse it or read another text, for the inside of brackets."""
WRITABLE_PATTERN = f"^[^{UNWRITABLE}]*$"
"""Any text that Helm's toYaml writes unharmed."""
