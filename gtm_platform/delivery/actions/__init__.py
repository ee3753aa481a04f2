"""What is done for customers at risk, and about companies, in other systems by the policy: a task, a tag."""
