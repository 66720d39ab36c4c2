"""Database backends that tell the router of replicas that cannot be reached."""
