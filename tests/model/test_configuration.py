"""What the engine hands over, as settings are parsed from it."""

from __future__ import annotations

import pytest

from model.configuration import project_values
from model.errors import SettingsError


def test_groups_are_decoded_and_other_projects_left_out() -> None:
    everything = {"shop:servers": '{"min": 2}', "shop:list": "[1]", "other:servers": "{}", "aws:region": "eu-west-1"}
    assert project_values(everything, "shop") == {"servers": {"min": 2}, "list": [1]}


def test_digits_in_quotes_stay_text() -> None:
    assert project_values({"shop:account": "123456789012"}, "shop") == {"account": "123456789012"}


def test_a_group_that_is_no_json_is_named() -> None:
    with pytest.raises(SettingsError, match="servers: is not JSON"):
        project_values({"shop:servers": "{min: 1"}, "shop")


def test_a_misspelt_project_is_told_instead_of_passed_over() -> None:
    everything = {"djngo-scale:servers": "{}", "django-scale:tags": "{}", "aws:region": "eu-west-1"}
    message = "djngo-scale:servers: is no setting of this project; did you mean 'django-scale:servers'"
    with pytest.raises(SettingsError, match=message):
        project_values(everything, "django-scale")
