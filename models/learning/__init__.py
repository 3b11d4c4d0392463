"""Learning to rank rows of numbers: trees, calibration, exact reasons, judging, pictures. It knows no dataset."""
