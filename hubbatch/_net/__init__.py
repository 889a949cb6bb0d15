"""Which sockets, clocks and tasks run a batch? The client, its runs and its limits."""
