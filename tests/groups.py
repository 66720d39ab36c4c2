"""Groups of settings, as hypothesis makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

Group = dict[str, Any]
Groups = st.SearchStrategy[Group]


def group(required: Mapping[str, st.SearchStrategy[Any]] | None = None, **optional: st.SearchStrategy[Any]) -> Groups:
    """Return a group of settings with the required ones and any of the optional ones."""
    return st.fixed_dictionaries(dict(required) if required else {}, optional=optional)
