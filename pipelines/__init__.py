"""The stages of the night, plain Python that never imports Airflow."""
