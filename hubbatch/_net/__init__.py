"""The shell around the core: sockets, clocks, tasks."""
