"""Which companies are won, pay and stay, by what they are; and how well each company fits, with reasons.

`companies` has what is counted, `groups` the rates and means with intervals, `fit` how likely each company is won.
"""
