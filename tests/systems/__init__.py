"""The five release systems: what their pages ask, from the places it lies in to the verdict."""
