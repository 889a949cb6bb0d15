"""Other people's software: each module imports its own, and is imported on use."""
