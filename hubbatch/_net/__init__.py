"""The shell around the pure folders: sockets, clocks and tasks."""
