"""Drives a web application with open-loop traffic and measures what its users would."""
