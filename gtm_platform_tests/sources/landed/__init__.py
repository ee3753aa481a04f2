"""Systems read from tables that Fivetran or Airbyte landed."""
