//! The tables on DynamoDB: the only crate that reads and writes them through the SDK.
//!
//! ```no_run
//! use tables_dynamodb::agents::Reader;
//! use connect_streams::Timestamp;
//!
//! # async fn example(client: aws_sdk_dynamodb::Client) -> Result<(), Box<dyn std::error::Error>> {
//! let reader = Reader::new(client, "AgentState".to_owned(), "AgentHistory".to_owned());
//! // An agent without an event for five minutes is marked.
//! let now = Timestamp::parse("2026-03-02T08:00:00Z").expect("it is a time");
//! for agent in reader.agents("10000000-0000-4000-8000-000000000001", now, 5).await? {
//!     println!("{} {:?}", agent.agent_id, agent.activity);
//! }
//! # Ok(())
//! # }
//! ```

pub mod agents;
mod attribute;
pub mod board;
pub mod contacts;
mod pages;
