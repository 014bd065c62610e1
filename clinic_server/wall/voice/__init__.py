"""Calls read aloud: a ticket's group and number and the station it shall come to, never a person's name."""
