//! Decodes messages into what they set.

use aws_lambda_events::sqs::SqsMessage;
use connect_streams::Reject;
use contact_state::{ContactWrite, Rules, read};

/// The result of decoding a message.
#[derive(Debug)]
pub(crate) enum Decoded {
    /// A contact event.
    Event(Box<ContactWrite>),
    /// Another kind of event, or an event of another instance.
    Skipped,
    /// Can never be written, because of its data.
    Rejected(Reject),
}

/// Decodes a message.
pub(crate) fn decode(message: &SqsMessage, rules: &Rules) -> Decoded {
    match read(message.body.as_deref().unwrap_or_default().as_bytes(), rules) {
        Ok(Some(write)) => Decoded::Event(Box::new(write)),
        Ok(None) => Decoded::Skipped,
        Err(reject) => Decoded::Rejected(reject),
    }
}
