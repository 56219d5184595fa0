"""Words that the queries of all dashboards are made of."""

JOB = ("Job", "label_values(gateway_build_info, job)")
INSTANCE = ("Instance", 'label_values(gateway_build_info{job=~"$job"}, instance)')
SERVICE = ("Service", 'label_values(gateway_service_applications{job=~"$job"}, service)')
TEAM = ("Team", 'label_values(gateway_service_applications{job=~"$job"}, team)')
ENVIRONMENT = ("Environment", 'label_values(gateway_service_applications{job=~"$job"}, environment)')
"""Variables: what each is called, and where its values come from."""

AT = 'job=~"$job", instance=~"$instance"'
OF = 'job=~"$job", service=~"$service", team=~"$team", environment=~"$environment"'
"""What the variables choose, as matchers."""

RED_FROM_ONE = ((None, "green"), (1.0, "red"))


def rate(metric: str, by: str, more: str = "") -> str:
    """Return how fast a counter grows, a second, summed by labels; ``more`` are further matchers."""
    return f"sum by ({by}) (rate({metric}{{{AT}{more}}}[$__rate_interval]))"


def quantiles(metric: str, *shares: float) -> dict[str, str]:
    """Return quantiles of a histogram, by what they are called."""
    return {
        f"p{share * 100:g}": f"histogram_quantile({share}, {rate(f'{metric}_bucket', 'le')})"
        for share in shares or (0.5, 0.9, 0.99)
    }
