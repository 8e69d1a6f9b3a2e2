//! Reads the bytes of a contact event.

use connect_streams::contact_event::ContactEvent;
use connect_streams::{RecordKind, Reject, RejectCode, parse};

use crate::plan::{ContactWrite, plan};
use crate::rules::Rules;

/// What an event sets; `None` for another kind of event, and for an event of an instance that is not the rules' own.
///
/// # Errors
/// When the event can never be written, because of its data.
pub fn read(bytes: &[u8], rules: &Rules) -> Result<Option<ContactWrite>, Reject> {
    let document = parse(bytes)?;
    let object = document.as_object().ok_or(Reject::record(RejectCode::NotAnObject))?;
    match RecordKind::of(object) {
        // Without an envelope, the parser reports what is missing.
        Some(RecordKind::ContactEvent) => {}
        Some(RecordKind::DemoRecord) | None => return Err(Reject::record(RejectCode::UnknownKind)),
        Some(_) => return Ok(None),
    }
    let Some(event) = ContactEvent::from_object(object)? else { return Ok(None) };
    let is_ours = rules.instance_id.as_ref().is_none_or(|ours| ours == event.instance_id);
    is_ours.then(|| plan(&event, rules)).transpose()
}
