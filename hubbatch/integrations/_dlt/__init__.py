"""The parts of the dlt destination that do not import dlt."""
