"""Copies of the site on another disk, sealed to a key that is kept elsewhere, and the way back from one."""
