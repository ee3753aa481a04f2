"""Who is who: which records of the systems are one person, and which persons are of one company."""
