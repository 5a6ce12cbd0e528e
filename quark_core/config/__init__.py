"""The declarative half: vocabularies, models, rules, loading and JSON Schema. Importing it imports nothing else."""
