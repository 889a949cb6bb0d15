"""Which sockets, clocks and tasks carry a batch out? The client, its runs and its limits."""
