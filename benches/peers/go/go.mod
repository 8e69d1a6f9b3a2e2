module contact-ledger/benches/peers

go 1.24
