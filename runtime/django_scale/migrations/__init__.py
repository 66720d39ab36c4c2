"""Migrations of the L3 cache's table."""
