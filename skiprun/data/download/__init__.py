"""Files of published datasets: where they live, and how they are fetched."""
