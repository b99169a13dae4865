"""What is known of SMES on one page, from the records of both of its studies.

`python -m experiments.smes_page results/smes` draws both studies and writes results/smes.md.
"""
