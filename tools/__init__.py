"""What made the files that the package ships, and is not shipped with it."""
