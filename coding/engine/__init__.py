"""The ground floor: facts, terms and codebook go in, a ruling comes out. Standard library only."""
