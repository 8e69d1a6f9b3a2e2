//! Identifiers in Amazon Connect's ARNs:
//! `arn:<partition>:connect:<region>:<account>:instance/<instance id>[/<resource>/<resource id>]`.

/// The instance ID of any Amazon Connect ARN.
#[must_use]
pub fn instance_id(arn: &str) -> Option<&str> {
    let resource = resource(arn)?;
    let id = split(resource, b'/').map_or(resource, |(id, _)| id);
    (!id.is_empty()).then_some(id)
}

/// The ID of the resource of `kind` (`agent`, `queue`, `routing-profile`, …) that the ARN names. An agent's own queue,
/// `queue/agent/<agent id>`, has that agent's ID.
#[must_use]
pub fn resource_id<'a>(arn: &'a str, kind: &str) -> Option<&'a str> {
    let (_, named) = split(resource(arn)?, b'/')?;
    let id = named.strip_prefix(kind)?.strip_prefix('/')?;
    let id = id.strip_prefix("agent/").unwrap_or(id);
    (!id.is_empty() && !id.as_bytes().contains(&b'/')).then_some(id)
}

/// The Region of any Amazon Connect ARN.
#[must_use]
pub fn region(arn: &str) -> Option<&str> {
    parts(arn).map(|(region, _)| region).filter(|region| !region.is_empty())
}

/// The part after `instance/`.
fn resource(arn: &str) -> Option<&str> {
    parts(arn).map(|(_, resource)| resource)
}

/// The Region, and the part after `instance/`. Some of Amazon's samples of contact events have an empty part before the
/// service, `arn:aws::connect:…`.
fn parts(arn: &str) -> Option<(&str, &str)> {
    let (_, service) = split(arn.strip_prefix("arn:")?, b':')?;
    let (region, account) =
        split(service.strip_prefix(':').unwrap_or(service).strip_prefix("connect:")?, b':')?;
    let (_, resource) = split(account, b':')?;
    Some((region, resource.strip_prefix("instance/")?))
}

/// Splits at the first of these bytes. The parts of an ARN are too short for the search of the standard library.
fn split(text: &str, at: u8) -> Option<(&str, &str)> {
    let index = text.bytes().position(|byte| byte == at)?;
    Some((&text[..index], &text[index + 1..]))
}

#[cfg(test)]
mod tests {
    use super::{instance_id, region, resource_id};

    #[test]
    fn ids_are_read_off_the_arn() {
        let agent = "arn:aws-us-gov:connect:us-gov-west-1:111122223333:instance/i-1/agent/a-1";
        assert_eq!((instance_id(agent), resource_id(agent, "agent")), (Some("i-1"), Some("a-1")));
        assert_eq!(region(agent), Some("us-gov-west-1"));
        let own_queue = "arn:aws:connect:eu-west-2:111122223333:instance/i-1/queue/agent/a-1";
        assert_eq!(resource_id(own_queue, "queue"), Some("a-1"));
        assert_eq!(instance_id("arn:aws:connect:eu-west-2:111122223333:instance/i-1"), Some("i-1"));
        assert_eq!(instance_id("arn:aws::connect:eu-west-2:111122223333:instance/i-1"), Some("i-1"));
    }

    #[test]
    fn anything_else_has_no_id() {
        for text in [
            "",
            "test",
            "arn:aws:lambda:eu-west-2:1:instance/i-1/agent/a-1",
            "arn:aws:connect:r:1:instance/",
            "arn:aws:connect:r:1:user/x",
        ] {
            assert_eq!(instance_id(text), None, "{text}");
        }
        assert_eq!(region("arn:aws:connect::1:instance/i"), None);
        assert_eq!(region("arn:aws:lambda:r:1:instance/i"), None);
        for text in [
            "arn:aws:connect:r:1:instance/i",
            "arn:aws:connect:r:1:instance/i/agent/",
            "arn:aws:connect:r:1:instance/i/queue/q",
        ] {
            assert_eq!(resource_id(text, "agent"), None, "{text}");
        }
    }
}
