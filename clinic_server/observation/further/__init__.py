"""A further vaccine for somebody who is watched: asked for at the seat, given on a visit of its own."""
