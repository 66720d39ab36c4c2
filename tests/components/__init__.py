"""One file a component: what it registers, and how that hangs together."""
