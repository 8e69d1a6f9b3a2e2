CAST(? AS boolean) AS include_simulated,
CAST(? AS bigint) AS look_back
