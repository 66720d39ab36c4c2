"""A process of its own that uses a cache: `python second_process.py NODES PREFIX COMMAND...`; one result a line."""

from __future__ import annotations

import json
import sys
import time

import django
from django.conf import settings

if __name__ == "__main__":
    settings.configure(INSTALLED_APPS=["django_scale"], USE_TZ=True)
    django.setup()
    from django_scale.cache import MultiLevelCache

    nodes, prefix, *commands = sys.argv[1:]
    cache = MultiLevelCache(nodes, {"KEY_PREFIX": prefix, "OPTIONS": {"MODE": "shards"}})
    for command in commands:
        name, *arguments = json.loads(command)
        if name == "make":
            # get_or_set with a slow default that says that it ran.
            key, seconds = arguments

            def slow(seconds: float = seconds) -> str:
                print("made", flush=True)
                time.sleep(seconds)
                return "value"

            print(cache.get_or_set(key, slow), flush=True)
        else:
            print(json.dumps(getattr(cache, name)(*arguments)), flush=True)
