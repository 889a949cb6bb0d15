"""Properties of pure arithmetic; the speed of the machine is not one of them."""

from hypothesis import settings


settings.register_profile("core", deadline=None)
settings.load_profile("core")
