"""What is done for customers at risk in other systems, by the policy: a task in HubSpot, a tag in Intercom."""
