"""From artifacts and deployment to chart files, and onto the disk as a whole."""
