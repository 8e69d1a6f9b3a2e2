//! What the live board reads: the agents, the routing profiles, and the contacts in flight of an instance.

use agent_ledger::{AgentKey, Item};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::{OptionFuture, try_join_all};
use live_board::{Reading, Source};
use tables::StoreError;

use crate::attribute::to_item;
use crate::contacts::ContactReader;
use crate::pages::pages;

/// Reads both tables with strong consistency: sixteen queries of each in parallel, and one for the routing profiles.
#[derive(Debug, Clone)]
pub struct BoardSource {
    client: Client,
    agent_state_table: String,
    contacts: Option<ContactReader>,
    instance_id: String,
}

impl BoardSource {
    /// The source of an instance's board. Without a `contact_state_table`, it knows no contacts in flight.
    #[must_use]
    pub fn new(
        client: Client,
        agent_state_table: String,
        contact_state_table: Option<String>,
        instance_id: String,
    ) -> Self {
        let contacts = contact_state_table.map(|table| ContactReader::new(client.clone(), table));
        Self { client, agent_state_table, contacts, instance_id }
    }

    async fn partition(&self, board: String) -> Result<(Vec<Item>, f64), StoreError> {
        let query = self.client.query().table_name(&self.agent_state_table).consistent_read(true);
        let query = query
            .key_condition_expression("board = :board")
            .expression_attribute_values(":board", AttributeValue::S(board));
        let (items, read_units) = pages(query).await?;
        Ok((items.into_iter().map(to_item).collect(), read_units))
    }
}

impl Source for BoardSource {
    async fn read(&self) -> Result<Reading, StoreError> {
        let boards = AgentKey::boards(&self.instance_id);
        let partitions = boards.chain([AgentKey::routing_profiles(&self.instance_id)]);
        let agent_state = try_join_all(partitions.map(|partition| self.partition(partition)));
        let contacts = self.contacts.as_ref().map(|reader| reader.items_in_flight(&self.instance_id));
        let contacts = async { OptionFuture::from(contacts).await.transpose() };
        let (agent_state, contacts) = futures::try_join!(agent_state, contacts)?;
        let mut read_units: f64 = agent_state.iter().map(|(_, units)| units).sum();
        let contacts = contacts.map(|(items, units)| {
            read_units += units;
            items
        });
        let agent_state = agent_state.into_iter().flat_map(|(items, _)| items).collect();
        Ok(Reading { agent_state, contacts, read_units })
    }
}
