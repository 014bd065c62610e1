"""Receipt printers that speak ESC/POS: tickets and slips on 58 or 80 mm paper."""
