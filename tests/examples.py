"""How Hypothesis tries examples here: it takes no time, which is the machine's."""

from hypothesis import HealthCheck, settings

UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The fixtures of the test are those of all its examples.
WITH_FIXTURES = settings(
    UNTIMED, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


def use() -> None:
    """Makes it so for all that say nothing else."""
    settings.register_profile("untimed", UNTIMED)
    settings.load_profile("untimed")
