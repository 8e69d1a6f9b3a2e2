CAST(? AS varchar) AS routing_profile
