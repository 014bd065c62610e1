"""People are observed while the server is killed and its wall clock set: nobody leaves early, nobody is lost."""
