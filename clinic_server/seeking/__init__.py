"""Somebody without a card, found at the registration desk by name or telephone and known by the birth date."""
