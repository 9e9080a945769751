"""Who we are to Kiro: the accounts, their file, their tokens, and how they stand."""
