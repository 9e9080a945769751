"""HTTP towards the owner: the API under `/api/admin`."""
