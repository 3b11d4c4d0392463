"""Open data: figures by borough, ward and LSOA from which nobody is worked out; docs/open-data.md has the argument."""
