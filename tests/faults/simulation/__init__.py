"""A whole site in one process and in no time: everything that happens on its day follows from one number, the seed."""
