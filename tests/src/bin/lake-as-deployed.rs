//! Prints the template's Glue tables, views, and named queries as JSON, for engines that use them as deployed. It
//! also prints the queries on the views alone, for engines with their own complete lake.

use lake_queries::{ArchiveDays, named, written_out};
use ledger_tests::template::Template;
use serde_json::{Map, json};

fn main() {
    let template = Template::with(&[("ContactEvents", "true")]);
    let tables = template.of_type("AWS::Glue::Table").into_iter();
    let tables: Vec<_> = tables.map(|(_, mut properties)| properties["TableInput"].take()).collect();
    let queries = template.of_type("AWS::Athena::NamedQuery").into_iter();
    let queries: Map<_, _> = queries
        .map(|(_, mut properties)| {
            (properties["Name"].as_str().unwrap_or_default().to_owned(), properties["QueryString"].take())
        })
        .collect();
    let on_views: Map<_, _> = named()
        .iter()
        .map(|query| {
            let parameters = query.head().parameters.into_iter().map(|(parameter, _)| {
                let (name, default) = (parameter.name(), parameter.default());
                json!({"name": name, "default": default, "is_text": parameter.is_text()})
            });
            let sql = written_out(query.name, ArchiveDays::All);
            (query.name.to_owned(), json!({"sql": sql, "parameters": parameters.collect::<Vec<_>>()}))
        })
        .collect();
    #[expect(clippy::print_stdout, reason = "printing is this program's purpose")]
    {
        println!("{}", json!({"tables": tables, "queries": queries, "on_views": on_views}));
    }
}
