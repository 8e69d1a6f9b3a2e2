//! Puts records on their streams.

use connect_streams::StreamKind;
use ledger_console::records::partition::partition_key;
use local_aws::stack::Stack;
use synthetic_center::Sent;

/// Puts a record on its stream.
///
/// # Errors
/// When the stream refuses it.
pub async fn put_record(stack: &Stack, sent: Sent) -> anyhow::Result<()> {
    match sent.stream {
        StreamKind::ContactRecords => stack.put_contact_record(sent.record.into()).await,
        StreamKind::AgentEvents => {
            let partition_key = partition_key(&sent.record);
            stack.put_agent_event(&partition_key, sent.record.into()).await?;
        }
        StreamKind::ContactEvents => {
            // What the rule does not match would be lost without a word. In the queue, it is rejected with the reason.
            if !stack.put_contact_event(&sent.record).await {
                stack.send_contact_event(sent.record)?;
            }
        }
    }
    Ok(())
}
