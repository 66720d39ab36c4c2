"""Many short-lived workers, one after the other: `python recycle.py FOLDER NUMBER`. Small, so that forks are quick."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from django.conf import settings

if __name__ == "__main__":
    settings.configure()
    from django_scale.metrics.slots import Slots

    folder, number = Path(sys.argv[1]), int(sys.argv[2])
    for _ in range(number):
        child = os.fork()
        if child == 0:
            held = Slots(folder, 2)
            held.begin()
            held.finish(0.01, error=False)
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            sys.exit("a worker failed")
