"""What an environment is: plain typed data and arithmetic, with no Pulumi and no I/O."""
