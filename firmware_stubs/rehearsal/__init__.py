"""A clinic day acted out from outside: people, staff, hardware, and the books they are checked by afterwards."""
