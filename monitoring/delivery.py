"""What is measured of deliveries, and whether what CI tells arrives."""

from monitoring.grafana import Dashboard, Panel, Row
from monitoring.queries import AT, ENVIRONMENT, INSTANCE, JOB, OF, SERVICE, TEAM, rate

DELIVERY = Dashboard(
    uid="gateway-delivery",
    title="Gateway / Delivery KPIs",
    description="From commit to healthy: how often, how long, how well; and whether what CI tells arrives.",
    variables={"job": JOB, "instance": INSTANCE, "service": SERVICE, "team": TEAM, "environment": ENVIRONMENT},
    rows=[
        Row(
            title="The last 30 days",
            panels=[
                Panel(
                    title="Services",
                    description="Deployments, the share that went well, and how long they took from commit to healthy.",
                    queries={
                        "deployments": f"max by (service, team, environment) (gateway_kpi_deployments{{{OF}}})",
                        "success": f"max by (service, team, environment) (gateway_kpi_success_ratio{{{OF}}})",
                        "lead p50": "max by (service, team, environment) "
                        f'(gateway_kpi_duration_seconds{{{OF}, clock="lead", quantile="0.5"}})',
                        "lead p90": "max by (service, team, environment) "
                        f'(gateway_kpi_duration_seconds{{{OF}, clock="lead", quantile="0.9"}})',
                    },
                    unit="short",
                    kind="table",
                    width=16,
                    height=10,
                ),
                Panel(
                    title="Error budgets",
                    description="What remains of 30 days: 100 % is all, below 0 it is overspent.",
                    queries={"{{slo}}": 'min by (slo) (gateway_slo_budget_remaining{job=~"$job"})'},
                    unit="percentunit",
                    kind="bargauge",
                    height=10,
                    steps=((None, "red"), (0.0, "orange"), (0.25, "green")),
                ),
                Panel(
                    title="Sync, by service",
                    description="From the manifests' commit until its operation finished: half of all took no longer.",
                    queries={
                        "{{service}} {{environment}}": "max by (service, environment) "
                        f'(gateway_kpi_duration_seconds{{{OF}, clock="sync", quantile="0.5"}})'
                    },
                    unit="s",
                    width=12,
                ),
                Panel(
                    title="Success, by team",
                    description="The share of deployments that went well.",
                    queries={
                        "{{team}}": "sum by (team) "
                        f"(gateway_kpi_success_ratio{{{OF}}} * gateway_kpi_deployments{{{OF}}}) / sum by (team) "
                        f"(gateway_kpi_deployments{{{OF}}} and gateway_kpi_success_ratio{{{OF}}})"
                    },
                    unit="percentunit",
                    width=12,
                ),
            ],
        ),
        Row(
            title="Deployments",
            panels=[
                Panel(
                    title="Deployments by outcome",
                    description="Succeeded: healthy in time and kept.",
                    queries={
                        "{{outcome}}": "sum by (outcome) (increase(gateway_deployments_total"
                        '{job=~"$job", environment=~"$environment"}[$__rate_interval]))'
                    },
                    unit="short",
                    stacked=True,
                ),
                Panel(
                    title="How long stages take",
                    description="Nine of ten took no longer.",
                    queries={
                        "{{stage}}": "histogram_quantile(0.9, sum by (stage, le) (rate("
                        'gateway_deployment_duration_seconds_bucket{job=~"$job", environment=~"$environment"}'
                        "[$__rate_interval])))"
                    },
                    unit="s",
                ),
                Panel(
                    title="Until Argo CD looks",
                    description="From a push of manifests until Argo CD compared with it, on average.",
                    queries={
                        "refreshed: {{refreshed}}": rate("gateway_detection_duration_seconds_sum", "refreshed")
                        + " / clamp_min("
                        + rate("gateway_detection_duration_seconds_count", "refreshed")
                        + ", 0.000001)"
                    },
                    unit="s",
                ),
                Panel(
                    title="Targets missed",
                    description="Deployments that missed the target of an SLO.",
                    queries={"{{slo}}": rate("gateway_slo_breaches_total", "slo")},
                    unit="ops",
                ),
            ],
        ),
        Row(
            title="Webhooks",
            panels=[
                Panel(
                    title="Webhooks by sender",
                    description="Requests of senders, a second.",
                    queries={"{{sender}}": rate("gateway_webhooks_total", "sender")},
                    unit="ops",
                ),
                Panel(
                    title="Webhooks by outcome",
                    description="unsigned and malformed are refused; failed and overloaded were answered with 503.",
                    queries={"{{outcome}}": rate("gateway_webhooks_total", "outcome")},
                    unit="ops",
                ),
                Panel(
                    title="Waiting",
                    description="Deliveries that wait in memory to be processed.",
                    queries={"{{instance}}": f"gateway_delivery_waiting{{{AT}}}"},
                    unit="short",
                ),
                Panel(
                    title="Processing",
                    description="Deliveries processed, facts told, deployments correlated, and what failed.",
                    queries={
                        "processed": rate("gateway_delivery_processed_total", "job"),
                        "facts": rate("gateway_delivery_facts_total", "job"),
                        "correlated": rate("gateway_delivery_recompute_total", "job"),
                        "retries": rate("gateway_delivery_retry_total", "job"),
                        "failed": rate("gateway_delivery_failed_total", "job"),
                    },
                    unit="ops",
                ),
            ],
        ),
    ],
)
