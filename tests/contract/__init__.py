"""What is promised on the wire, compared with what is sent."""
