"""From the delivery van to the fridge: temperature on the way, papers, cartons and units scanned, what differs."""
