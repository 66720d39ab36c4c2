"""`scale release`: an image into a stack's file by its digest, and the replacement of the servers that follows."""
