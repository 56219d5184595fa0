"""Settings: one field of ``variables.Settings`` is one environment variable, read and checked whole by ``environment``.

How a value is written is in ``notation``; the fields of a larger theme have a module of their own. Never belongs here:
acting on a setting.
"""
