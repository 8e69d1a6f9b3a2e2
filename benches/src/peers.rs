//! The same functions in other languages, each in its own process.

use std::path::{Path, PathBuf};
use std::process::Command;

use contact_lake::schema::{Column, Kind};
use serde_json::{Map, Value, json};

use crate::input::MEASURED;

fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench")
}

/// The name and command of each peer.
pub(crate) fn normalizers() -> Vec<(&'static str, Command)> {
    let python = |library: &str| {
        let mut command = Command::new(target().join("venv/bin/python"));
        command.arg(peers().join("python/normalizer.py")).arg(library);
        command
    };
    let mut node = Command::new("node");
    node.arg(peers().join("node/normalizer.mjs"));
    let mut go = Command::new(target().join("normalizer-go"));
    // Lambda gives a function of this size less than one core.
    go.env("GOMAXPROCS", "1");
    vec![
        ("Python, json", python("json")),
        ("Python, orjson", python("orjson")),
        ("Node.js", node),
        ("Go", go),
    ]
}

/// The upserter's job in Python: one conditional put per record.
pub(crate) fn python_upserter() -> Command {
    let mut command = Command::new(target().join("venv/bin/python"));
    command.arg(peers().join("python/upserter.py"));
    command
}

/// Returns the seconds per event and the last response.
pub(crate) fn run(mut command: Command, folder: &Path, event: &[u8]) -> (f64, Vec<u8>) {
    let [columns, input, response] =
        ["columns.json", "event.json", "response.json"].map(|name| folder.join(name));
    let with_source = contact_lake::schema::columns().filter(|column| column.source().is_some());
    std::fs::write(&columns, serde_json::to_vec(&described(with_source)).unwrap()).unwrap();
    std::fs::write(&input, event).unwrap();
    command.args([&columns, &input, &response]).arg(MEASURED.as_secs().to_string());
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    let seconds = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    (seconds, std::fs::read(response).unwrap())
}

/// The columns in JSON, for the peers.
fn described<'c>(columns: impl Iterator<Item = &'c Column>) -> Value {
    let column = |column: &Column| {
        let fields = match column.kind {
            Kind::StructList(fields) | Kind::StructMap(fields) => Some(described(fields.iter())),
            _ => None,
        };
        let kind = format!("{:?}", column.kind);
        let kind = kind.split('(').next().unwrap_or_default().to_owned();
        let source: Vec<_> = column.sources().collect();
        let mut described = json!({"name": column.name, "kind": kind, "source": source});
        if let Some(fields) = fields {
            described["fields"] = fields;
        }
        described
    };
    columns.map(column).collect()
}

/// Asserts that the rows are equal in every column that is copied from the record.
pub(crate) fn assert_equivalent(name: &str, ours: &[u8], theirs: &[u8]) {
    let answers = |response: &[u8]| -> Vec<Value> {
        serde_json::from_slice::<Value>(response).unwrap()["records"].as_array().unwrap().clone()
    };
    let (ours, theirs) = (answers(ours), answers(theirs));
    assert_eq!(ours.len(), theirs.len(), "{name}");
    for (our, their) in ours.iter().zip(&theirs) {
        for field in ["recordId", "result", "metadata"] {
            assert_eq!(our[field], their[field], "{name}");
        }
        if our["result"] == "Ok" {
            let (our, their) = (row(our), row(their));
            for column in our.keys().chain(their.keys()) {
                assert_eq!(our.get(column), their.get(column), "{name}: {column}");
            }
        }
    }
}

fn is_computed(name: &str) -> bool {
    contact_lake::schema::columns().any(|column| column.name == name && column.source().is_none())
}

fn row(answer: &Value) -> Map<String, Value> {
    let line = base64_simd::STANDARD.decode_to_vec(answer["data"].as_str().unwrap()).unwrap();
    let Value::Object(mut row) = serde_json::from_slice(&line).unwrap() else { panic!("a row is an object") };
    assert_eq!(row["content_hash"].as_str().unwrap().len(), 32);
    // The peers compute the columns of the table's first version, with its definitions. That is less work.
    row.retain(|name, _| name == "extra" || !is_computed(name));
    row.values_mut().for_each(compare_by_value);
    row
}

/// Parses JSON inside strings, so that it is compared by value: the order of keys does not matter, nor the difference
/// between `1.50` and `1.5`, which most languages lose.
fn compare_by_value(value: &mut Value) {
    match value {
        Value::Number(number) => *value = json!(number.as_f64()),
        Value::String(text) => {
            if let Ok(mut within) = serde_json::from_str::<Value>(text) {
                compare_by_value(&mut within);
                *value = within;
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(compare_by_value),
        Value::Object(members) => members.values_mut().for_each(compare_by_value),
        _ => {}
    }
}
