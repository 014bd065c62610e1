"""A scripted hour on one disk: each of its writes recorded, cut off, refused or delayed, by strace."""
