"""The example's settings, with pages that say which database they read."""

from project.settings import *  # noqa: F403

ROOT_URLCONF = "tests.runtime.real.probe_urls"
