"""TLS: the certificate of a server, whether it is good, who trusts it, and one for a laptop."""
