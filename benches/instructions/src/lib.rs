//! How many instructions the two record paths take, counted by Callgrind: see `benches/`.
