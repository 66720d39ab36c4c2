"""Scaling policies replayed against traffic: controllers, the plant they drive, and what came of it."""
