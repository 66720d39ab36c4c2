"""`scale render`: the configuration files of a stack, printed or written."""
