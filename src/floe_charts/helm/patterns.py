"""Forms of texts among the values, as regular expressions (RE2, which Helm has): names, labels, amounts, paths.

After k8s.io/apimachinery/pkg/util/validation and k8s.io/kubernetes/pkg/apis/core/validation. Lengths are said beside
the pattern, by ``max_length``. What a pattern takes is said in words by :func:`form`, so that no message shows one.
"""

from __future__ import annotations

from floe_charts.errors import DeclarationError

__all__ = [
    "DIGEST_PATTERN",
    "DNS_LABEL_PATTERN",
    "DNS_NAME_PATTERN",
    "ENV_NAME_PATTERN",
    "LABEL_KEY_PATTERN",
    "LABEL_VALUE_PATTERN",
    "NAMESPACE_PATTERN",
    "QUANTITY_PATTERN",
    "PRINTABLE_PATTERN",
    "REGISTRY_PATTERN",
    "RELATIVE_PATH_PATTERN",
    "REPOSITORY_PATTERN",
    "TAG_PATTERN",
    "UNWRITABLE",
    "URL_PATTERN",
    "URL_PATH_PATTERN",
    "WRITABLE_PATTERN",
    "form",
    "form_in_words",
]

_WORDS: dict[str, str] = {}


def form(pattern: str, words: str) -> str:
    """``pattern``, of which messages say ``words``: "an amount, such as 2 or 512Mi"; of ``(pattern)?`` too.

    Raises :class:`DeclarationError` where other words are said of it already.
    """
    if _WORDS.setdefault(pattern, words) != words:
        raise DeclarationError(f"the pattern {pattern} is said in two ways: {_WORDS[pattern]!r} and {words!r}")
    return pattern


def form_in_words(pattern: str) -> str | None:
    """What :func:`form` was told of a pattern; None for one that nobody has put into words."""
    if pattern in _WORDS:
        return _WORDS[pattern]
    filled = _WORDS.get(f"^{pattern[2:-3]}$") if pattern.startswith("^(") and pattern.endswith(")?$") else None
    return f"{filled}; or nothing" if filled is not None else None


_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = rf"({_SUBDOMAIN}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?"

QUANTITY_PATTERN = form(
    r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$",
    "an amount as Kubernetes writes it, such as 2, 250m or 512Mi",
)
"""A Kubernetes quantity: apimachinery's grammar, less exponents and signs, which nobody writes in a chart."""
DNS_LABEL_PATTERN = form(
    r"^[a-z]([-a-z0-9]*[a-z0-9])?$",
    "a name of lower-case letters, digits and '-' that begins with a letter",
)
"""An RFC 1035 label."""
NAMESPACE_PATTERN = form(
    rf"^{_LABEL}$",
    "a name of lower-case letters, digits and '-', with a letter or digit at both ends",
)
"""An RFC 1123 label."""
DNS_NAME_PATTERN = form(
    rf"^{_SUBDOMAIN}$",
    "a name of lower-case letters, digits, '-' and '.', with a letter or digit at both ends",
)
"""An RFC 1123 subdomain."""
LABEL_KEY_PATTERN = form(rf"^{_QUALIFIED}$", "a key of a label, such as tier or example.com/tier")
"""The key of a label: a name, maybe behind a subdomain."""
LABEL_VALUE_PATTERN = form(
    r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$",
    "a label's value: letters, digits, '-', '_' and '.', with a letter or digit at both ends",
)
ENV_NAME_PATTERN = form(
    r"^[A-Za-z_][A-Za-z0-9_]*$",
    "the name of an environment variable: letters, digits and '_', no digit first",
)
REGISTRY_PATTERN = form(
    r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]([a-z0-9._-]*[a-z0-9])?)*$",
    "the host of a registry without https://, such as registry.example.com:5000/mirror",
)
"""The host of a registry, maybe with a port and with what stands before all repositories."""

# No part of a path begins with two dots, or is one.
_PART = r"\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*"
RELATIVE_PATH_PATTERN = form(rf"^{_PART}(/{_PART})*$", "a path inside the volume, such as data/in, without '..'")
"""A path inside a volume."""
_URL_PART = r"\.?[A-Za-z0-9_~-][A-Za-z0-9._~-]*"
URL_PATH_PATTERN = form(rf"^/({_URL_PART}(/{_URL_PART})*/?)?$", "the path of a URL, such as /data")
"""The path of a URL that Ingress and HTTPRoute both take: no empty part, none of dots, nothing escaped."""

# As characters, not as escapes: Go's regular expressions do not know \\u.
UNWRITABLE = "\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\u2028\u2029\ufffe\uffff"
"""What Helm's toYaml writes so that YAML readers refuse it or read another text, for the inside of brackets."""
WRITABLE_PATTERN = form(f"^[^{UNWRITABLE}]*$", "a text without control characters")
"""Any text that Helm's toYaml writes unharmed."""
PRINTABLE_PATTERN = form(r"^[ -~]*$", "a text of printable ASCII on one line")
REPOSITORY_PATTERN = form(
    r"^[a-z0-9]([a-z0-9._/-]*[a-z0-9])?$", "a repository without registry and tag, such as acme/shop, in small letters"
)
"""Where an image is in its registry."""
TAG_PATTERN = form(r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", "the tag of an image, such as 1.4.2")
DIGEST_PATTERN = form(r"^(sha256:[a-f0-9]{64})?$", "a digest, sha256: and 64 digits of base 16; or nothing")
URL_PATTERN = form(
    r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$",
    "an address such as https://s3.example.com:9000/path",
)
