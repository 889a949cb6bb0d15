"""The parts of the Ray integration that do not import Ray."""
