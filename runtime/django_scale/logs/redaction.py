"""What must not stand in a log."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from django_scale.settings.variables import VARIABLES

HIDDEN = "***"

_SECRET_VARIABLES = frozenset(variable.name for variable in VARIABLES if variable.secret)
_SECRET_NAME = re.compile(r"(?:_|^)(?:KEY|SECRET|TOKEN|PASSWORD|PASSWD|DSN|CREDENTIALS?)$")
# Shorter ones would be found inside of words.
_SHORTEST = 8
_PARAMETER = re.compile(
    r"([?&;][\w.~%-]*(?:token|secret|passw|signature|key|auth|code|session|credential)[\w.~%-]*=)[^&;\s\"'<>\\]+",
    re.IGNORECASE,
)
_USER = re.compile(r"(://[^:/?#\s@\"]*:)[^@/\s\"]+@")


class Redactor:
    """Takes out the values of secret variables, passwords in URLs, and parameters of URLs that are named like a
    secret."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        source = os.environ if environment is None else environment
        values = {
            value for name, value in source.items() if name in _SECRET_VARIABLES or _SECRET_NAME.search(name.upper())
        }
        # The longest first: one may contain another.
        self._values = sorted((value for value in values if len(value) >= _SHORTEST), key=len, reverse=True)

    def clean(self, text: str) -> str:
        """The text without them."""
        for value in self._values:
            if value in text:
                text = text.replace(value, HIDDEN)
        if "=" in text:
            text = _PARAMETER.sub(rf"\1{HIDDEN}", text)
        if "://" in text:
            text = _USER.sub(rf"\1{HIDDEN}@", text)
        return text
