"""Management of the articles."""
