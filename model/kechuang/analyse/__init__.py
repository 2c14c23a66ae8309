"""Questions put to finished runs: are the targets reached, with what probability, at what cost?"""
