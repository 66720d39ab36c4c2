"""What rendered files do when they are used."""
