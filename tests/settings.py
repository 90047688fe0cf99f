"""The product's settings, read in the tests' own environment."""

from tests.support import environment

environment.enter()

from crm.settings import *  # noqa: E402, F403
