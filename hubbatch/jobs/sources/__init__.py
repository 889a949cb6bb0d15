"""Where do the rows of a job come from? Files, tables and other inputs."""
