//! The permissions that a request needs: IAM actions and resources, derived from the request itself.
//!
//! Source: actions, resources, and condition keys for
//! [Amazon DynamoDB](https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html) and
//! [Amazon S3](https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html) (Service
//! Authorization Reference);
//! [IAM security policies with `PartiQL` for DynamoDB](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html).

use std::sync::Arc;

use axum::http::{HeaderMap, Method};
use serde_json::Value;

use served_stack::{ACCOUNT, REGION};

/// The service that a request is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Service {
    DynamoDb,
    S3,
}

/// One action on one resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// For example `dynamodb:UpdateItem`.
    pub action: String,
    /// The ARN of a table or an object.
    pub resource: String,
}

/// Decides whether a permission is granted.
pub type Guard = Arc<dyn Fn(&Permission) -> bool + Send + Sync>;

/// The ARN of a local DynamoDB table.
#[must_use]
pub fn table_arn(table: &str) -> String {
    format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}")
}

/// The ARN of a bucket.
#[must_use]
pub fn bucket_arn(bucket: &str) -> String {
    format!("arn:aws:s3:::{bucket}")
}

/// Returns the permissions that a request needs, or `None` if the request is not understood.
pub(crate) fn needed(
    service: Service,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Option<Vec<Permission>> {
    match service {
        Service::DynamoDb => dynamodb_permissions(headers.get("x-amz-target")?.to_str().ok()?, body),
        Service::S3 => s3_permission(method, path).map(|permission| vec![permission]),
    }
}

fn dynamodb_permissions(target: &str, body: &[u8]) -> Option<Vec<Permission>> {
    let (_, operation) = target.split_once('.')?;
    let body: Value = serde_json::from_slice(body).ok()?;
    let permission = |resource| Permission { action: format!("dynamodb:{operation}"), resource };
    if let Some(tables) = body["RequestItems"].as_object() {
        return Some(tables.keys().map(|table| permission(table_arn(table))).collect());
    }
    if operation != "BatchExecuteStatement" {
        let table = table_arn(body["TableName"].as_str()?);
        // Reading an index needs a permission for the index, not for its table.
        let index = body["IndexName"].as_str().map(|index| format!("/index/{index}"));
        return Some(vec![permission(table + &index.unwrap_or_default())]);
    }
    let statements = body["Statements"].as_array()?.iter();
    statements.map(|statement| statement_permission(statement["Statement"].as_str()?)).collect()
}

/// `PartiQL` statements have their own actions; the actions of the plain operations do not permit them.
fn statement_permission(statement: &str) -> Option<Permission> {
    let table = statement.split('"').nth(1)?;
    let action = match statement.split_ascii_whitespace().next()? {
        "INSERT" => "PartiQLInsert",
        "UPDATE" => "PartiQLUpdate",
        "DELETE" => "PartiQLDelete",
        "SELECT" => "PartiQLSelect",
        _ => return None,
    };
    Some(Permission { action: format!("dynamodb:{action}"), resource: table_arn(table) })
}

fn s3_permission(method: &Method, path: &str) -> Option<Permission> {
    let (path, _) = path.split_once('?').unwrap_or((path, ""));
    let (bucket, key) = path.strip_prefix('/')?.split_once('/')?;
    let action = match *method {
        Method::PUT => "s3:PutObject",
        Method::GET | Method::HEAD => "s3:GetObject",
        Method::DELETE => "s3:DeleteObject",
        _ => return None,
    };
    Some(Permission { action: action.to_owned(), resource: format!("{}/{key}", bucket_arn(bucket)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permissions(target: &str, body: &str) -> Option<Vec<(String, String)>> {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-target", target.parse().unwrap());
        let needed = needed(Service::DynamoDb, &Method::POST, "/", &headers, body.as_bytes());
        needed.map(|all| all.into_iter().map(|one| (one.action, one.resource)).collect())
    }

    fn pair(action: &str, table: &str) -> (String, String) {
        (action.to_owned(), table_arn(table))
    }

    #[test]
    fn partiql_statements_need_their_own_actions() {
        let body = r#"{"Statements": [
            {"Statement": "INSERT INTO \"H\" VALUE {'a': ?}"}, {"Statement": "UPDATE \"H\" SET \"a\"=? WHERE \"b\"=?"}]}"#;
        let expected = vec![pair("dynamodb:PartiQLInsert", "H"), pair("dynamodb:PartiQLUpdate", "H")];
        assert_eq!(permissions("DynamoDB_20120810.BatchExecuteStatement", body), Some(expected));
        assert_eq!(
            permissions("DynamoDB_20120810.UpdateItem", r#"{"TableName": "S"}"#),
            Some(vec![pair("dynamodb:UpdateItem", "S")])
        );
        assert_eq!(
            permissions("DynamoDB_20120810.Query", r#"{"TableName": "S", "IndexName": "i"}"#),
            Some(vec![pair("dynamodb:Query", "S/index/i")])
        );
        assert_eq!(
            permissions("DynamoDB_20120810.BatchGetItem", r#"{"RequestItems": {"S": {"Keys": []}}}"#),
            Some(vec![pair("dynamodb:BatchGetItem", "S")])
        );
        let unknown = r#"{"Statements": [{"Statement": "EXISTS(SELECT 1)"}]}"#;
        assert_eq!(permissions("DynamoDB_20120810.BatchExecuteStatement", unknown), None);
    }

    #[test]
    fn an_object_arn_has_the_bucket_and_the_key() {
        let needed = s3_permission(&Method::PUT, "/lake/rejected/a.jsonl?x-id=PutObject");
        assert_eq!(
            needed,
            Some(Permission {
                action: "s3:PutObject".into(),
                resource: "arn:aws:s3:::lake/rejected/a.jsonl".into()
            })
        );
    }
}
