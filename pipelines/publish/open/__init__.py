"""Open data: counts by borough, ward and LSOA that the London Datastore could carry, small numbers protected."""
