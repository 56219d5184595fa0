"""How it is: whether what people see is true and fresh, and how the applications are."""

from monitoring.grafana import Dashboard, Panel, Row
from monitoring.queries import AT, ENVIRONMENT, INSTANCE, JOB, OF, RED_FROM_ONE, SERVICE, TEAM, quantiles, rate

OVERVIEW = Dashboard(
    uid="gateway-overview",
    title="Gateway / Overview",
    description="Whether what people see of Argo CD is true and fresh, and how the applications are.",
    variables={"job": JOB, "instance": INSTANCE, "service": SERVICE, "team": TEAM, "environment": ENVIRONMENT},
    rows=[
        Row(
            title="Is it true, is it fresh?",
            panels=[
                Panel(
                    title="Upstream",
                    description="Of all gateways, the share whose watch on Argo CD is live.",
                    queries={"live": f'avg(gateway_upstream_state{{{AT}, state="live"}})'},
                    unit="percentunit",
                    kind="stat",
                    width=4,
                    height=5,
                    steps=((None, "red"), (1.0, "green")),
                ),
                Panel(
                    title="What is shown is as of",
                    description="Time since what is shown could last be trusted; 0 while a watch is open.",
                    queries={"ago": f"max(gateway_upstream_data_age_seconds{{{AT}}})"},
                    unit="s",
                    kind="stat",
                    width=4,
                    height=5,
                    steps=((None, "green"), (15.0, "orange"), (60.0, "red")),
                ),
                Panel(
                    title="Changes that come late",
                    description="The share sent more than 5 s after Argo CD's own time of them. The objective is 1 %.",
                    queries={
                        "late": "1 - "
                        + rate("gateway_event_age_seconds_bucket", "job", ', le="5.0"')
                        + " / "
                        + rate("gateway_event_age_seconds_count", "job")
                    },
                    unit="percentunit",
                    kind="stat",
                    width=4,
                    height=5,
                    steps=((None, "green"), (0.01, "orange"), (0.06, "red")),
                ),
                Panel(
                    title="Subscribers",
                    description="Streams that are open, of all gateways.",
                    queries={"open": f"sum(gateway_subscribers{{{AT}}})"},
                    unit="short",
                    kind="stat",
                    width=4,
                    height=5,
                ),
                Panel(
                    title="Firing alerts",
                    description="Alerts of the gateway that fire. Each has a runbook.",
                    queries={"firing": 'count(ALERTS{alertname=~"Gateway.+", alertstate="firing"}) or vector(0)'},
                    unit="short",
                    kind="stat",
                    width=4,
                    height=5,
                    steps=RED_FROM_ONE,
                ),
                Panel(
                    title="Not healthy",
                    description="Applications of the chosen services that are Degraded or Missing.",
                    queries={
                        "applications": "sum(max by (service, team, environment, health) "
                        f'(gateway_service_applications{{{OF}, health=~"Degraded|Missing"}})) or vector(0)'
                    },
                    unit="short",
                    kind="stat",
                    width=4,
                    height=5,
                    steps=RED_FROM_ONE,
                ),
            ],
        ),
        Row(
            title="Applications",
            panels=[
                Panel(
                    title="Applications by health",
                    description="Of the chosen services, teams and environments.",
                    queries={
                        "{{health}}": "sum by (health) (max by (service, team, environment, health) "
                        f"(gateway_service_applications{{{OF}}}))"
                    },
                    unit="short",
                    width=12,
                    stacked=True,
                ),
                Panel(
                    title="Applications by sync status",
                    description="Of all that the gateway holds.",
                    queries={"{{sync}}": 'sum by (sync) (max by (health, sync) (gateway_applications{job=~"$job"}))'},
                    unit="short",
                    width=12,
                    stacked=True,
                ),
                Panel(
                    title="Services",
                    description="Applications of each service by environment and health.",
                    queries={
                        "": f"max by (service, team, environment, health) (gateway_service_applications{{{OF}}}) > 0"
                    },
                    unit="short",
                    kind="table",
                    width=24,
                ),
            ],
        ),
        Row(
            title="Load",
            panels=[
                Panel(
                    title="CPU",
                    description="Cores that each gateway uses. It has one event loop: never much more than one.",
                    queries={"{{instance}}": rate("process_cpu_seconds_total", "instance")},
                    unit="short",
                ),
                Panel(
                    title="Memory",
                    description="Resident memory of each gateway.",
                    queries={"{{instance}}": f"process_resident_memory_bytes{{{AT}}}"},
                    unit="bytes",
                ),
                Panel(
                    title="Event loop lag",
                    description="How late the loop is for its timers: everything in the process waits that long.",
                    queries=quantiles("gateway_loop_lag_seconds", 0.5, 0.99),
                    unit="s",
                ),
            ],
        ),
    ],
)
