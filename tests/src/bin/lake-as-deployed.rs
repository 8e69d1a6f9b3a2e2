//! Prints the Glue tables, the views and the named queries of the template as JSON, for engines that are to use them as they are
//! deployed.

use ledger_tests::template::Template;
use serde_json::{Map, json};

fn main() {
    let template = Template::with_defaults();
    let tables = template.of_type("AWS::Glue::Table").into_iter();
    let tables: Vec<_> = tables.map(|(_, mut properties)| properties["TableInput"].take()).collect();
    let queries = template.of_type("AWS::Athena::NamedQuery").into_iter();
    let queries: Map<_, _> = queries
        .map(|(_, mut properties)| {
            (properties["Name"].as_str().unwrap_or_default().to_owned(), properties["QueryString"].take())
        })
        .collect();
    #[expect(clippy::print_stdout, reason = "it is what this program is for")]
    {
        println!("{}", json!({"tables": tables, "queries": queries}));
    }
}
