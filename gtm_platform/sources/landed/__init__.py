"""Reading a system from tables that Fivetran or Airbyte landed, instead of from its API.

Here is what all systems share: how records are put together out of tables (`values`), where the tables lie (`place`),
and the client that reads them (`client`). Which tables hold a system's records stands with the system, in its modules
`landed_fivetran` and `landed_airbyte`.
"""
