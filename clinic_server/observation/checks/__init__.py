"""Looking at those at risk at set minutes: what was measured, and whether it lets them go."""
