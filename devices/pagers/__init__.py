"""Ways to wake somebody: a driver sends one page to one address and says how far it got, in the service's words."""
