//! The SDK configuration of the functions that use AWS: only what Lambda gives a function, so that it starts quickly.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
pub use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};

/// The timeouts of writes. The SDK sets none by default, so one lost packet would cost the whole invocation.
#[must_use]
pub fn timeouts_of_writes() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(10))
        .build()
}

/// The configuration from the environment. Lambda puts the credentials of the function's role there, and renews them with a
/// new environment; a function has no profile files.
/// Source: [Using Lambda environment variables](https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html).
pub async fn config(timeouts: TimeoutConfig) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .timeout_config(timeouts)
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .profile_files(EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, "").build())
        .load()
        .await
}
