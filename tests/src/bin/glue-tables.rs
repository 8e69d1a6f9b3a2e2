//! Prints the Glue tables and views of the template as JSON, for engines that are to use them as they are deployed.

use ledger_tests::template::Template;
use serde_json::Value;

fn main() {
    let tables = Template::with_defaults().of_type("AWS::Glue::Table").into_iter();
    let tables: Value = tables.map(|(_, mut properties)| properties["TableInput"].take()).collect();
    #[expect(clippy::print_stdout, reason = "it is what this program is for")]
    {
        println!("{tables}");
    }
}
