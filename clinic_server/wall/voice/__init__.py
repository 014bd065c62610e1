"""Calls read aloud: a ticket's number and the station it shall come to, never a name."""
