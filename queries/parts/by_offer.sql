CAST(? AS bigint) AS look_back
