"""What all tests share: Hypothesis tries the same examples in each run, and gives them the time they need."""

from hypothesis import settings

settings.register_profile("default", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("default")
