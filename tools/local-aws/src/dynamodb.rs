//! DynamoDB, built on `dynoxide` in this process.

mod protocol;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use dynoxide::{AttributeValue, Database};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::front_door::{self, FrontDoor, Protocol};
use crate::gateway::{Gate, guarded};
use crate::permission::Service;
use loopback::{listen, url};
use served_stack::Keys;

/// Items per page of a scan. Without a limit, each page costs as much as the whole rest of the table.
const PAGE_ITEMS: usize = 2000;

/// An item, with plain JSON values.
pub type Item = BTreeMap<String, serde_json::Value>;

/// A running server. Dropping it stops it.
pub struct DynamoDb {
    /// Its URL.
    pub endpoint: String,
    /// The keys that requests are signed with.
    pub keys: Keys,
    database: Database,
    /// Where the tables are, if not in memory.
    file: Option<PathBuf>,
    task: JoinHandle<()>,
}

impl DynamoDb {
    /// Starts the server without tables, in memory, on `port` or on a free port for 0.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(port: u16, gate: Gate) -> anyhow::Result<Self> {
        let database = Database::memory().context("DynamoDB's in-memory database cannot be created")?;
        Self::start_with(database, None, port, gate).await
    }

    /// Starts the server with its data in a file, for tables that are large. [`Self::files`] are deleted with it.
    ///
    /// # Errors
    /// When it cannot listen, or the file cannot be written.
    pub async fn start_in(file: PathBuf, port: u16, gate: Gate) -> anyhow::Result<Self> {
        // SQLite takes a relative path that begins with `file:` for a URI.
        let file = std::path::absolute(file)?;
        let path = file.to_str().with_context(|| format!("{} is not UTF-8", file.display()))?;
        let create = || -> anyhow::Result<Database> {
            let database = Database::new(path)?;
            // Nothing is kept after a crash.
            database.enable_bulk_loading()?;
            Ok(database)
        };
        let database = create().with_context(|| format!("{} cannot be written", file.display()))?;
        Self::start_with(database, Some(file), port, gate).await
    }

    /// The file of the tables, and those beside it.
    #[must_use]
    pub fn files(file: &Path) -> [PathBuf; 3] {
        ["", "-wal", "-shm"].map(|ending| {
            let mut path = file.as_os_str().to_owned();
            path.push(ending);
            path.into()
        })
    }

    async fn start_with(
        database: Database,
        file: Option<PathBuf>,
        port: u16,
        gate: Gate,
    ) -> anyhow::Result<Self> {
        let listener = listen(port, "DynamoDB").await?;
        let (endpoint, keys) = (url(&listener)?, gate.keys.clone());
        let door = FrontDoor::new(Protocol::DynamoDb, &keys);
        let router = guarded(protocol::router(database.clone()), Service::DynamoDb, gate);
        let task = tokio::spawn(front_door::serve(listener, door, router));
        Ok(Self { endpoint, keys, database, file, task })
    }

    /// Creates an on-demand table with string keys.
    ///
    /// # Errors
    /// When DynamoDB refuses it.
    pub fn create_table(&self, name: &str, partition_key: &str, sort_key: &str) -> anyhow::Result<()> {
        let request = json!({
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": partition_key, "AttributeType": "S"},
                {"AttributeName": sort_key, "AttributeType": "S"},
            ],
            "KeySchema": [
                {"AttributeName": partition_key, "KeyType": "HASH"},
                {"AttributeName": sort_key, "KeyType": "RANGE"},
            ],
        });
        self.database
            .create_table(serde_json::from_value(request)?)
            .with_context(|| format!("table {name} cannot be created"))?;
        Ok(())
    }

    /// Creates an on-demand table with string keys and a local secondary index that has the keys only.
    ///
    /// # Errors
    /// When DynamoDB refuses it.
    pub fn create_table_with_index(
        &self,
        name: &str,
        [partition_key, sort_key]: [&str; 2],
        (index, index_key): (&str, &str),
    ) -> anyhow::Result<()> {
        let keys = |sort_key: &str| {
            json!([
                {"AttributeName": partition_key, "KeyType": "HASH"},
                {"AttributeName": sort_key, "KeyType": "RANGE"},
            ])
        };
        let definition = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
        let request = json!({
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [definition(partition_key), definition(sort_key), definition(index_key)],
            "KeySchema": keys(sort_key),
            "LocalSecondaryIndexes": [{
                "IndexName": index, "KeySchema": keys(index_key), "Projection": {"ProjectionType": "KEYS_ONLY"},
            }],
        });
        self.database
            .create_table(serde_json::from_value(request)?)
            .with_context(|| format!("table {name} cannot be created"))?;
        Ok(())
    }

    /// Enables time to live on this attribute. The setting is visible to clients, but no item is deleted.
    ///
    /// # Errors
    /// When the table does not exist.
    pub fn expire(&self, name: &str, attribute: &str) -> anyhow::Result<()> {
        let ttl = json!({"Enabled": true, "AttributeName": attribute});
        let request = json!({"TableName": name, "TimeToLiveSpecification": ttl});
        let updated = self.database.update_time_to_live(serde_json::from_value(request)?);
        updated.map(drop).with_context(|| format!("time to live of table {name} cannot be set"))
    }

    /// All items of a table, ordered by their keys.
    ///
    /// # Errors
    /// When the table does not exist.
    pub fn items(&self, table: &str, partition_key: &str, sort_key: &str) -> anyhow::Result<Vec<Item>> {
        let mut items = Vec::new();
        self.for_each_item(table, |item| {
            items.push(item);
            Ok(())
        })?;
        let key = |item: &Item, name: &str| item.get(name).map(ToString::to_string);
        items.sort_by_cached_key(|item| (key(item, partition_key), key(item, sort_key)));
        Ok(items)
    }

    /// Calls `take` with every item of a table, in any order. Holds one page in memory at a time.
    ///
    /// # Errors
    /// When the table does not exist, or `take` fails.
    pub fn for_each_item(
        &self,
        table: &str,
        mut take: impl FnMut(Item) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut start = serde_json::Value::Null;
        loop {
            let mut request = json!({"TableName": table, "ConsistentRead": true, "Limit": PAGE_ITEMS});
            if !start.is_null() {
                request["ExclusiveStartKey"] = start;
            }
            let page = self.database.scan(serde_json::from_value(request)?)?;
            for item in page.items.unwrap_or_default() {
                take(item.iter().map(|(name, value)| (name.clone(), plain(value))).collect())?;
            }
            match page.last_evaluated_key {
                None => return Ok(()),
                Some(key) => start = serde_json::to_value(key)?,
            }
        }
    }
}

impl Drop for DynamoDb {
    fn drop(&mut self) {
        self.task.abort();
        for file in self.file.iter().flat_map(|file| Self::files(file)) {
            // If it stays, the next demo in this folder deletes it.
            let _ = std::fs::remove_file(file);
        }
    }
}

/// Turns DynamoDB's JSON into plain JSON: `{"S": "x"}` into `"x"`. Numbers that do not parse as JSON numbers become strings.
fn plain(value: &AttributeValue) -> serde_json::Value {
    match value {
        AttributeValue::S(text) => json!(text),
        AttributeValue::N(digits) => {
            digits.parse::<serde_json::Number>().map_or_else(|_| json!(digits), serde_json::Value::Number)
        }
        AttributeValue::BOOL(truth) => json!(truth),
        AttributeValue::L(elements) => elements.iter().map(plain).collect(),
        AttributeValue::M(members) => {
            let members: BTreeMap<_, _> = members.iter().map(|(name, value)| (name, plain(value))).collect();
            json!(members)
        }
        other => serde_json::to_value(other).unwrap_or_default(),
    }
}
