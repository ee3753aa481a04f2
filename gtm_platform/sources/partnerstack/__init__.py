"""PartnerStack as a source: partners with their groups, and the leads, deals and customers that they brought."""
