//! The parts of a deployed stack, by their names in the template.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use aws_config::SdkConfig;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::{DisplayErrorContext, ProvideErrorMetadata};
use redrive::ContactRecordTarget;

use crate::connection::Names;

/// Asks CloudFormation.
pub(crate) async fn names(config: &SdkConfig, stack: &str) -> anyhow::Result<Names> {
    let client = Client::new(config);
    let mut resources = BTreeMap::new();
    let mut pages = client.list_stack_resources().stack_name(stack).into_paginator().items().send();
    while let Some(resource) = pages.next().await {
        let resource = match resource {
            Ok(resource) => resource,
            Err(error) => match (error.code(), error.message()) {
                (Some("ValidationError"), Some(message)) if message.contains("does not exist") => bail!(
                    "there is no stack {stack} in this account and region; `aws cloudformation list-stacks` shows those that are there (--region and --profile say where to look)"
                ),
                (Some(code), message) => bail!(
                    "CloudFormation does not tell what stack {stack} has ({code}: {}); check your credentials and your right to cloudformation:ListStackResources",
                    message.unwrap_or("without a message")
                ),
                (None, _) => bail!(
                    "CloudFormation does not answer ({}); check the network, the region and your credentials",
                    DisplayErrorContext(&error)
                ),
            },
        };
        if let (Some(logical), Some(physical)) = (resource.logical_resource_id, resource.physical_resource_id)
        {
            resources.insert(logical, physical);
        }
    }
    let mut part = |name: &str| {
        resources
            .remove(name)
            .with_context(|| format!("stack {stack} has no {name}; is it a stack of contact-ledger?"))
    };
    Ok(Names {
        lake_bucket: part("LakeBucket")?,
        agent_state_table: part("AgentStateTable")?,
        agent_history_table: part("AgentHistoryTable")?,
        agent_event_function: part("AgentEventUpserter")?,
        contact_records: match part("ContactRecordStream") {
            Ok(stream) => ContactRecordTarget::Stream(stream),
            Err(_) => ContactRecordTarget::Firehose(part("ContactRecordFirehose")?),
        },
    })
}
