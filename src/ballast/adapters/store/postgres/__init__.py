"""The store on a Postgres database. Needs the extra `postgres`; imported only where it is used."""
