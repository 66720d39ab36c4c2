"""A headless Chromium."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from scale.local.servers import find_binary


@contextmanager
def chromium() -> Generator[webdriver.Chrome]:
    """Run it until the end of the block."""
    options = Options()
    options.binary_location = str(find_binary("chromium"))
    # Its sandbox needs rights that a container's root does not have.
    for option in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1200,1400"):
        options.add_argument(option)
    driver = webdriver.Chrome(options, Service(str(find_binary("chromedriver"))))
    try:
        yield driver
    finally:
        driver.quit()
