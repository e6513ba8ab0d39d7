"""Routes as data: what requests take and give, checked against one contract."""
