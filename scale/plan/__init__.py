"""Run a stack's program with no cloud account, and say what it would build and what is wrong with it."""
