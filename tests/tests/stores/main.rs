//! Tests with a store: the contracts of the tables and the bucket, on servers in this process.

mod board;
mod contact_store_contract;
mod reader;
mod store_contract;
mod template_run;
