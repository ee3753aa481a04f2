"""HubSpot as a source: the CRM."""
