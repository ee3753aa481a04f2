"""The pages, a module each. What several of them show stands in the modules beside this package."""
