"""Django on a scaled stack: settings, database routers, caches, metrics and health endpoints."""
