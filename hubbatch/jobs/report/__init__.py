"""How did a job go? One HTML page."""
