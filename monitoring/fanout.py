"""What goes out: who watches, what they are sent, how fast, and who can't keep up."""

from monitoring.grafana import Dashboard, Panel, Row
from monitoring.queries import AT, INSTANCE, JOB, quantiles, rate

FANOUT = Dashboard(
    uid="gateway-fanout",
    title="Gateway / Fan-out",
    description="Who watches, what they are sent, how fast, and who can't keep up.",
    variables={"job": JOB, "instance": INSTANCE},
    rows=[
        Row(
            title="Subscribers",
            panels=[
                Panel(
                    title="Subscribers",
                    description="Streams that are open, of each gateway, and those that don't keep up.",
                    queries={
                        "{{instance}}": f"gateway_subscribers{{{AT}}}",
                        "{{instance}} behind": f"gateway_subscribers_behind{{{AT}}}",
                    },
                    unit="short",
                ),
                Panel(
                    title="Joins",
                    description="Streams opened: resumed, or the reason of their snapshot.",
                    queries={"{{outcome}}": rate("gateway_joins_total", "outcome")},
                    unit="ops",
                ),
                Panel(
                    title="Ends",
                    description="Streams that ended: overloaded were turned away, slow read nothing, gone left.",
                    queries={"{{reason}}": rate("gateway_stream_ends_total", "reason")},
                    unit="ops",
                ),
                Panel(
                    title="Room",
                    description="How much of what may be open is open: streams, and files of the process.",
                    queries={
                        "streams {{instance}}": f"gateway_subscribers{{{AT}}} / gateway_subscribers_limit{{{AT}}}",
                        "files {{instance}}": f"process_open_fds{{{AT}}} / process_max_fds{{{AT}}}",
                    },
                    unit="percentunit",
                ),
                Panel(
                    title="Different selections",
                    description="Who wants the same shares a view. Details are applications looked at alone.",
                    queries={
                        "views": f"sum(gateway_views{{{AT}}})",
                        "details": f"sum(gateway_details{{{AT}}})",
                    },
                    unit="short",
                ),
                Panel(
                    title="Led on after falling behind",
                    description="Times that a subscriber that hadn't kept up got one computed delta.",
                    queries={"lags": rate("gateway_lags_total", "job")},
                    unit="ops",
                ),
            ],
        ),
        Row(
            title="Speed",
            panels=[
                Panel(
                    title="Age of changes when sent",
                    description="From Argo CD's own time of a change, which has whole seconds, until it was sent.",
                    queries=quantiles("gateway_event_age_seconds"),
                    unit="s",
                ),
                Panel(
                    title="Fan-out",
                    description="How long a tick takes: from changes to bytes in all connections.",
                    queries=quantiles("gateway_fanout_duration_seconds"),
                    unit="s",
                ),
                Panel(
                    title="Ages, all of them",
                    description="How many changes had which age.",
                    queries={"{{le}}": rate("gateway_event_age_seconds_bucket", "le")},
                    unit="short",
                    kind="heatmap",
                ),
            ],
        ),
        Row(
            title="Bytes",
            panels=[
                Panel(
                    title="Deliveries",
                    description="Frames written to subscribers, a second.",
                    queries={"{{instance}}": rate("gateway_deliveries_total", "instance")},
                    unit="ops",
                ),
                Panel(
                    title="Frames made",
                    description="Each is made once for all who get it.",
                    queries={"{{feed}} {{kind}}": rate("gateway_frames_total", "feed, kind")},
                    unit="ops",
                ),
                Panel(
                    title="Bytes, before and after compression",
                    description="raw is what all events would take uncompressed; sent is what they took on the wire.",
                    queries={
                        "raw": rate("gateway_raw_bytes_total", "job"),
                        "sent": rate("gateway_sent_bytes_total", "job"),
                    },
                    unit="Bps",
                ),
                Panel(
                    title="CPU for a delivery",
                    description="The whole process's CPU for each frame that was written, everything else included.",
                    queries={
                        "CPU": f"{rate('process_cpu_seconds_total', 'job')} / "
                        f"clamp_min({rate('gateway_deliveries_total', 'job')}, 1)"
                    },
                    unit="s",
                ),
                Panel(
                    title="Changes",
                    description="Changes that entered the log, a second.",
                    queries={"{{instance}}": f"rate(gateway_log_offset{{{AT}}}[$__rate_interval])"},
                    unit="ops",
                ),
            ],
        ),
    ],
)
