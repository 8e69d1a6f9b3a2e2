//! The function's settings, read once.

use lambda_io::settings::{SettingError, Settings};

use redrive::ContactRecordTarget;

/// The settings from the environment.
#[derive(Debug, Clone)]
pub struct RedriveSettings {
    /// `LAKE_BUCKET`
    pub lake_bucket: String,
    /// `CONTACT_RECORD_STREAM`, if Firehose reads one; otherwise `CONTACT_RECORD_FIREHOSE`
    pub contact_records: ContactRecordTarget,
    /// `AGENT_EVENT_FUNCTION`
    pub agent_event_function: String,
    /// `CONTACT_EVENT_FUNCTION`
    pub contact_event_function: Option<String>,
    /// `CONTACT_EVENT_QUEUES`: the URLs of the dead-letter queues of contact events, separated by commas
    pub contact_event_queues: Vec<String>,
}

impl RedriveSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// The first setting that is missing.
    pub fn read(settings: &Settings<'_>) -> Result<Self, SettingError> {
        let firehose = settings.required("CONTACT_RECORD_FIREHOSE")?;
        let stream = settings.optional("CONTACT_RECORD_STREAM", String::new(), "a name")?;
        let function = settings.optional("CONTACT_EVENT_FUNCTION", String::new(), "a name")?;
        let queues = settings.optional("CONTACT_EVENT_QUEUES", String::new(), "URLs")?;
        Ok(Self {
            lake_bucket: settings.required("LAKE_BUCKET")?,
            contact_records: if stream.is_empty() {
                ContactRecordTarget::Firehose(firehose)
            } else {
                ContactRecordTarget::Stream(stream)
            },
            agent_event_function: settings.required("AGENT_EVENT_FUNCTION")?,
            contact_event_function: Some(function).filter(|name| !name.is_empty()),
            contact_event_queues: queues
                .split(',')
                .filter(|url| !url.is_empty())
                .map(str::to_owned)
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_takes_precedence_over_the_firehose_that_reads_it() {
        const ALL: &[&str] =
            &["LAKE_BUCKET", "AGENT_EVENT_FUNCTION", "CONTACT_RECORD_FIREHOSE", "CONTACT_RECORD_STREAM"];
        let read = |given: &'static [&str]| {
            let lookup = |name: &str| given.contains(&name).then(|| name.to_lowercase());
            RedriveSettings::read(&Settings::from_lookup(&lookup)).map(|settings| {
                match settings.contact_records {
                    ContactRecordTarget::Firehose(name) | ContactRecordTarget::Stream(name) => name,
                }
            })
        };
        assert_eq!(read(ALL).unwrap(), "contact_record_stream");
        assert_eq!(read(&ALL[..3]).unwrap(), "contact_record_firehose");
        assert_eq!(read(&ALL[..2]), Err(SettingError::Missing("CONTACT_RECORD_FIREHOSE")));
    }
}
