//! Tests without processes and servers: pure functions, models, and agreement with the template and the
//! documentation.

mod agent_event_upserter;
mod boundaries;
mod contact_event_upserter;
mod contact_events;
mod contact_record_normalizer;
mod convergence;
mod cost;
mod cycles;
mod dependencies;
mod envelopes;
mod event_patterns;
mod golden_rows;
mod hostile_input;
mod live_board;
mod metric_definitions;
mod reference_model;
mod schema;
mod simulation;
mod template;
mod template_interface;
