"""Articles, their authors and readers."""
