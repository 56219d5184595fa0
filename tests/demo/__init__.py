"""The demo: its timetable, its player, and the command."""
