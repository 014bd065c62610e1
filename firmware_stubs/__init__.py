"""The other end of every wire: devices that exist only as a program, for demos, tests and rehearsals."""
