"""From the model to configuration files."""
