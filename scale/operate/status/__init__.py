"""`scale status`: what a live environment is doing, on one screen."""
