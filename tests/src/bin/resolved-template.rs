//! Prints a template as `CloudFormation` would see it, resolved for each set of parameters that creates other resources: what two
//! versions of the template differ in. `make template-diff` compares with a commit.

use std::path::PathBuf;

use clap::Parser;
use ledger_tests::template::{Template, variants};
use serde_json::{Map, Value};

#[derive(Parser)]
struct Arguments {
    /// The template; the repository's if none is given
    file: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let text = Arguments::parse()
        .file
        .map_or_else(|| Ok(ledger_tests::template::text()), std::fs::read_to_string)?;
    let mut whole = Map::new();
    for (name, parameters) in variants() {
        whole.insert(name.to_owned(), Template::of(&text, &parameters).resolved());
    }
    #[expect(clippy::print_stdout, reason = "it is what this program is for")]
    {
        println!("{:#}", Value::Object(whole));
    }
    Ok(())
}
