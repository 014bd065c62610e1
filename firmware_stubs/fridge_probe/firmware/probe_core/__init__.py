"""What a fridge probe does on any interpreter: nothing here knows a board, a network card or a sensor's pins."""
