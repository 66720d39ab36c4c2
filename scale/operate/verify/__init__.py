"""`scale verify`: whether the live environment does what its program says, and how its address answers."""
