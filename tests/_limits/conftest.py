"""Properties of the pure core; how fast a machine is, is not one of them."""

from hypothesis import settings


settings.register_profile("core", deadline=None)
settings.load_profile("core")
