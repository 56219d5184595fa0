"""What the gateway costs, side by side with the limit, as ratios of one run. ``make bench`` runs all of it."""
