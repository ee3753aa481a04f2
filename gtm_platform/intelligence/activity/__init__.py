"""What people of ours did with customers, and what came of deals and renewals after it: association, and no effect."""
