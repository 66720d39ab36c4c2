"""Look at a live environment, compare it with its program, and bring releases to it: all of AWS through `account`."""
