"""TLS: the certificate of a server, its check, trust in it, and a certificate for a laptop."""
