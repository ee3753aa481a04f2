"""Fivetran and Airbyte in the sandbox: they read the emulators' APIs and land what they answer as tables.

`answers` reads whole systems, `fivetran` and `airbyte` lay them out, `tables` keeps what was landed before, as an
incremental sync does.
"""
