"""Programs that servers are given as they stand; they run on Amazon Linux's own Python 3.9, without a package."""
