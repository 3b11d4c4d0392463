"""The night on real servers: S3, PostgreSQL, Redis, several workers. Not part of `make test`."""
