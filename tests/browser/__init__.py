"""What a person sees: a real browser on a real gateway. Needs a Chromium; without one, these tests skip and say so."""
