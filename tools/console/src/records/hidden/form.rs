//! The forms of texts that are shown. The producer of a record chooses its values: a field for an ID may hold a name or a
//! telephone number.

/// The form a text must have to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A name that the contact center chose, such as that of a queue or a status.
    Name,
    /// An ARN.
    Arn,
    /// An AWS account ID.
    Account,
    /// The `detail-type` of an Amazon Connect event in `EventBridge`.
    DetailType,
    /// An ID, an enum value or a version.
    Word,
}

impl Form {
    /// The form of a field, from the end of its path or column name.
    pub(super) fn of(path: &str) -> Self {
        let field = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        match () {
            () if field.ends_with("name") => Self::Name,
            () if field.ends_with("arn") => Self::Arn,
            () if matches!(field.as_str(), "awsaccountid" | "aws_account_id" | "account") => Self::Account,
            () if field == "detail-type" => Self::DetailType,
            () => Self::Word,
        }
    }

    pub(super) fn is_of(self, text: &str) -> bool {
        match self {
            Self::Name => true,
            Self::Arn => text.starts_with("arn:") && is_plain(text),
            Self::Account => text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()),
            Self::DetailType => text
                .strip_prefix("Amazon Connect ")
                .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b' ')),
            Self::Word => is_plain(text) && !may_be_a_telephone_number(text),
        }
    }
}

/// Whether it has only characters of IDs, ARNs and enum values.
fn is_plain(text: &str) -> bool {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'/' | b'#');
    text.len() <= 512 && text.bytes().all(is_plain)
}

/// Whether it has seven digits or more and no letters, unless it is grouped like a UUID or a date.
fn may_be_a_telephone_number(text: &str) -> bool {
    let groups: Vec<_> = text.split('-').map(str::len).collect();
    let is_other = matches!(groups[..], [8, 4, 4, 4, 12] | [4, 2, 2]);
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    !is_other && digits >= 7 && !text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn a_text_in_another_form_than_its_fields_is_hidden() {
        for (path, shown, hidden) in [
            ("AgentARN", "arn:aws:connect:eu-west-2:111122223333:instance/i/agent/a", "+441632960123"),
            ("agent_arn", "arn:aws:connect:eu-west-2:111122223333:instance/i", "arn:aws: John Smith"),
            ("ContactId", "10000000-0000-4000-8000-000000000001", "441632960123"),
            ("ContactId", "c-1", "01632 960123"),
            ("DisconnectReason", "CUSTOMER_DISCONNECT", "John Smith +441632960123"),
            ("channel", "VOICE", "ada@example.com"),
            ("Version", "2017-10-01", "0163-296-0123"),
            ("AWSAccountId", "111122223333", "+11122223333"),
            ("Queue.Name", "Technical support", ""),
            ("detail-type", "Amazon Connect Contact Event", "Ada Lovelace"),
            ("detail-type", "Amazon Connect Contact Data Updated", "Amazon Connect +441632960123"),
        ] {
            assert!(Form::of(path).is_of(shown), "{path} {shown}");
            assert!(hidden.is_empty() || !Form::of(path).is_of(hidden), "{path} {hidden}");
        }
    }
}
