"""What must not stand in a log."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

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

    def clean_all(self, value: Any) -> Any:
        """The value with every text within it cleaned. Keys of a mapping become text, tuples lists."""
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, Mapping):
            held = cast("Mapping[Any, Any]", value)
            return {str(key): self.clean_all(each) for key, each in held.items()}
        if isinstance(value, list | tuple):
            items = cast("Sequence[Any]", value)
            return [self.clean_all(each) for each in items]
        return value
