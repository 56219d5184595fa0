"""What watches the gateway: rules, routes and dashboards. ``python -m monitoring.build`` makes what is JSON here."""
