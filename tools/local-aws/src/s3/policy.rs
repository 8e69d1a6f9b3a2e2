//! A bucket policy that denies writes, so that a fault can be made on purpose: a bucket that Firehose or a function may not
//! write to. Everything else that a policy can say is refused, because it would have no effect.
//!
//! Source: [Policies and permissions in Amazon S3](https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-policy-language-overview.html)
//! (S3 User Guide).

use s3s::{S3Result, s3_error};
use serde::Deserialize;
use wildmatch::WildMatch;

use crate::permission::bucket_arn;

/// The one action that a policy may deny here.
const PUT_OBJECT: &str = "s3:PutObject";

/// A bucket's policy.
#[derive(Debug)]
pub(super) struct Policy {
    /// As it was put.
    pub(super) text: String,
    /// The keys of the objects that nobody may write.
    denied: Vec<WildMatch>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    #[serde(rename = "Version")]
    _version: String,
    #[serde(rename = "Id")]
    _id: Option<String>,
    statement: Many<Statement>,
}

/// No condition, no `NotResource`, and no other element: none of them has an effect here.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    #[serde(rename = "Sid")]
    _sid: Option<String>,
    effect: String,
    principal: serde_json::Value,
    action: Many<String>,
    resource: Many<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Many<T> {
    One(T),
    Some(Vec<T>),
}

impl<T> Many<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::Some(some) => some,
        }
    }
}

impl Policy {
    /// Reads the policy of a bucket.
    pub(super) fn read(bucket: &str, text: String) -> S3Result<Self> {
        let document: Document = serde_json::from_str(&text).map_err(|error| {
            s3_error!(
                MalformedPolicy,
                "the local S3 cannot read this policy, or does not support it: {error}"
            )
        })?;
        let mut denied = Vec::new();
        for statement in document.statement.into_vec() {
            let everybody = ["*".into(), serde_json::json!({"AWS": "*"})].contains(&statement.principal);
            let actions = statement.action.into_vec();
            if statement.effect != "Deny" || !everybody || actions != [PUT_OBJECT] {
                return Err(s3_error!(
                    NotImplemented,
                    "the local S3 supports only statements that deny s3:PutObject to everybody"
                ));
            }
            for resource in statement.resource.into_vec() {
                let objects = resource.strip_prefix(&bucket_arn(bucket)).and_then(|it| it.strip_prefix('/'));
                let keys =
                    objects.ok_or_else(|| s3_error!(MalformedPolicy, "Policy has invalid resource"))?;
                denied.push(WildMatch::new(keys));
            }
        }
        Ok(Self { text, denied })
    }

    /// Whether nobody may write this object.
    pub(super) fn denies_writing(&self, key: &str) -> bool {
        self.denied.iter().any(|keys| keys.matches(key))
    }
}
