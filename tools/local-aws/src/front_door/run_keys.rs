//! The keys of this run, for `s3s`.

use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Result, s3_error};

use served_stack::Keys;

/// Looks up the secret key of this run's only access key.
pub(crate) struct RunKeys {
    access_key_id: String,
    secret: SecretKey,
}

impl RunKeys {
    pub(crate) fn new(keys: &Keys) -> Self {
        Self {
            access_key_id: keys.access_key_id.clone(),
            secret: SecretKey::from(keys.secret_access_key.as_str()),
        }
    }
}

#[async_trait::async_trait]
impl S3Auth for RunKeys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        if access_key == self.access_key_id {
            return Ok(self.secret.clone());
        }
        Err(s3_error!(
            InvalidAccessKeyId,
            "the access key is not from this run; this run's keys are in stack.json in the output folder"
        ))
    }
}
