"""What the controllers act on: servers that boot, queues that fill, metrics that arrive late."""
