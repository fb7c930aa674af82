"""What all examples share: the command line, the picture, the record of times."""
