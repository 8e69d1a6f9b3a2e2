//! Refused requests, in the error format of their protocol.
//!
//! Source: [Error handling with DynamoDB](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html);
//! [Error responses](https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html) of S3;
//! [Common errors](https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html) of Lambda.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::protocol::Protocol;

/// An error response sent before the service sees the request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// The error code in the services that use JSON.
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    /// The error as a response.
    pub(super) fn response(&self, protocol: Protocol, is_lambda: bool) -> Response {
        match protocol {
            Protocol::DynamoDb => self.json("application/x-amz-json-1.0"),
            Protocol::Streams if is_lambda => self.rest(),
            Protocol::Streams => self.json("application/x-amz-json-1.1"),
            Protocol::S3 => self.xml(),
            Protocol::Runtime => {
                let error = json!({"errorType": self.code, "errorMessage": self.message});
                (self.status, Json(error)).into_response()
            }
        }
    }

    fn json(&self, content_type: &'static str) -> Response {
        let error =
            json!({"__type": format!("com.amazon.coral.service#{}", self.code), "message": self.message});
        (self.status, [(CONTENT_TYPE, content_type)], error.to_string()).into_response()
    }

    /// The error in Lambda's format: REST with JSON.
    pub(crate) fn rest(&self) -> Response {
        // Lambda answers signature errors with another status.
        let is_about_signature = self.status == StatusCode::BAD_REQUEST && self.code.contains("ignature");
        let status = match self.code {
            "UnrecognizedClientException" | "MissingAuthenticationTokenException" => StatusCode::FORBIDDEN,
            _ if is_about_signature => StatusCode::FORBIDDEN,
            _ => self.status,
        };
        let body = Json(json!({"Type": "User", "Message": self.message}));
        (status, [("x-amzn-errortype", self.code)], body).into_response()
    }

    fn xml(&self) -> Response {
        let (status, code) = match self.code {
            "InvalidSignatureException" => (StatusCode::FORBIDDEN, "SignatureDoesNotMatch"),
            "IncompleteSignatureException" => (self.status, "AuthorizationHeaderMalformed"),
            code => (self.status, code.trim_end_matches("Exception")),
        };
        let escaped = self.message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{escaped}</Message></Error>"
        );
        (status, [(CONTENT_TYPE, "application/xml")], xml).into_response()
    }
}
