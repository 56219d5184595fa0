"""What comes in: the watch on Argo CD, what it brings, what it lost, and how that was repaired."""

from monitoring.grafana import Dashboard, Panel, Row
from monitoring.queries import AT, INSTANCE, JOB, quantiles, rate

UPSTREAM = Dashboard(
    uid="gateway-upstream",
    title="Gateway / Upstream",
    description="The watch on Argo CD: whether it lives, what it brings, what it lost, and how that was repaired.",
    variables={"job": JOB, "instance": INSTANCE},
    rows=[
        Row(
            title="State",
            panels=[
                Panel(
                    title="State",
                    description="1 for the state that upstream is in.",
                    queries={"{{state}}": f"max by (state) (gateway_upstream_state{{{AT}}})"},
                    unit="short",
                    kind="state-timeline",
                    width=12,
                    steps=((None, "transparent"), (1.0, "blue")),
                    names={"0": "", "1": "now"},
                ),
                Panel(
                    title="Why it isn't live",
                    description="1 for the reason; docs/operate.md says what each means.",
                    queries={"{{reason}}": f"max by (reason) (gateway_upstream_reason{{{AT}}})"},
                    unit="short",
                    kind="state-timeline",
                    width=12,
                    steps=((None, "transparent"), (1.0, "red")),
                    names={"0": "", "1": "now"},
                ),
                Panel(
                    title="Since the last full reconcile",
                    description="How old the proof is that nothing is missing, and how often there should be one.",
                    queries={
                        "{{instance}}": f"gateway_upstream_verified_age_seconds{{{AT}}}",
                        "interval": f"max(gateway_reconcile_interval_seconds{{{AT}}})",
                    },
                    unit="s",
                ),
                Panel(
                    title="What is shown is as of",
                    description="Time since what is shown could last be trusted; 0 while a watch is open.",
                    queries={"{{instance}}": f"gateway_upstream_data_age_seconds{{{AT}}}"},
                    unit="s",
                ),
                Panel(
                    title="The token expires in",
                    description="No data where the token never expires.",
                    queries={"left": f"min(gateway_upstream_token_expiry_timestamp_seconds{{{AT}}}) - time()"},
                    unit="s",
                    kind="stat",
                    steps=((None, "red"), (7 * 86_400.0, "green")),
                ),
            ],
        ),
        Row(
            title="Events",
            panels=[
                Panel(
                    title="Events by type",
                    description="What Argo CD's stream brings, a second.",
                    queries={"{{type}}": rate("gateway_upstream_events_total", "type")},
                    unit="ops",
                ),
                Panel(
                    title="Events by what they were worth",
                    description="unchanged: in nothing that is shown; old: a replica that lags, or a stream's copy.",
                    queries={"{{outcome}}": rate("gateway_upstream_events_total", "outcome")},
                    unit="ops",
                ),
                Panel(
                    title="Events that couldn't be read",
                    description="Put aside, or longer than GATEWAY_MAX_LINE; the applications stay as they were.",
                    queries={
                        "undecodable": rate("gateway_upstream_undecodable_total", "job"),
                        "oversized": rate("gateway_upstream_oversized_total", "job"),
                    },
                    unit="ops",
                ),
            ],
        ),
        Row(
            title="Repairs",
            panels=[
                Panel(
                    title="Repairs",
                    description="What Argo CD's stream had lost and a reconcile found. Some are normal.",
                    queries={"{{kind}}": rate("gateway_upstream_repairs_total", "kind")},
                    unit="ops",
                ),
                Panel(
                    title="Reconcile duration",
                    description="From the request until the content was complete.",
                    queries=quantiles("gateway_reconcile_duration_seconds", 0.5, 0.9),
                    unit="s",
                ),
                Panel(
                    title="Failures",
                    description="Requests and streams that failed, by why.",
                    queries={"{{kind}}": rate("gateway_upstream_failures_total", "kind")},
                    unit="ops",
                ),
            ],
        ),
    ],
)
