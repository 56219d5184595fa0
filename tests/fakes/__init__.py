"""Stand-ins for the outside world that tests talk to over real sockets. Never a mock of a class of ours."""
