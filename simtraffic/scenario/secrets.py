"""Credentials that somebody wrote into a file which others read."""

from __future__ import annotations

import re

# Endings of names that hold credentials, without regard to dots, dashes and case.
_NAMES = re.compile(
    r"(authorization|api_?key|access_?key|auth_?token|access_?token|bearer|password|passwd"
    r"|secret|credentials?|private_?key)$"
)
# Forms that issuers give their keys so that they are recognised.
_SHAPES = re.compile(
    r"""(?x)
    ^(?:Bearer|Basic)\s+\S{8,}
    | \bsk-[A-Za-z0-9_-]{16,}          # OpenAI, Anthropic
    | \bglc_[A-Za-z0-9+/=_-]{16,}      # Grafana Cloud
    | \bgh[pousr]_[A-Za-z0-9]{16,}     # GitHub
    | \bAKIA[0-9A-Z]{16}\b             # AWS
    | \bxox[abprs]-[A-Za-z0-9-]{10,}   # Slack
    | \bAIza[0-9A-Za-z_-]{30,}         # Google
    | \bNRAK-[A-Z0-9]{20,}             # New Relic
    | \bdt0c01\.[A-Z0-9]{20,}          # Dynatrace
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY
    """
)


def is_secret(name: str, value: object) -> bool:
    """Whether an attribute of this name and value holds a credential, as far as one can tell."""
    if not isinstance(value, str) or not value:
        return False
    plain = name.lower().replace("-", "_").rpartition(".")[2]
    return bool(_NAMES.search(plain) or _SHAPES.search(value))
