"""What the path of pods registers, and that it is valid."""
