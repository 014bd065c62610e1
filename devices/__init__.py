"""Talks to hardware: links, wires, adapters and their supervisor. It has never heard of the clinic."""
