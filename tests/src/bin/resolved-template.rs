//! Prints a template as `CloudFormation` sees it, resolved for each set of parameters that creates different
//! resources, so that two versions of the template can be compared. `make template-diff` compares with a commit.

use std::path::PathBuf;

use clap::Parser;
use ledger_tests::template::{Template, variants};
use serde_json::{Map, Value};

#[derive(Parser)]
struct Arguments {
    /// The template file; default: the repository's template
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
    #[expect(clippy::print_stdout, reason = "printing is this program's purpose")]
    {
        println!("{:#}", Value::Object(whole));
    }
    Ok(())
}
