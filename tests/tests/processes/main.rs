//! Tests that start processes: the tool as a user runs it, and the functions on the local stack.

mod agents;
mod backfill;
mod board;
mod command_line;
mod connect;
mod contacts;
mod credentials;
mod doctor;
mod exit_codes;
mod explain;
mod input;
mod local_stack;
mod memory;
mod personal_data;
mod pipeline;
mod redrive;
mod send;
mod tail;
mod terminal_safety;
mod trace;
mod validate;
