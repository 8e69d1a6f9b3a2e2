CAST(? AS varchar) AS routing_profile,
CAST(? AS boolean) AS include_simulated,
CAST(? AS bigint) AS look_back
