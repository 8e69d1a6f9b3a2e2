//! A function that does nothing, to measure how long the runtime alone takes to start.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let handle = async |_: LambdaEvent<Value>| -> Result<Value, Error> { Ok(Value::Null) };
    lambda_runtime::run(service_fn(handle)).await
}
