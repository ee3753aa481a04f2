"""What leaves the platform: values into HubSpot, alerts into Slack. Each deed is kept in the state before and after."""
