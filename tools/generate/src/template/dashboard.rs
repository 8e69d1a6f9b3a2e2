//! The dashboards that tables in template/ declare: sections with three widgets per row.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::watched::{AllWatched, check_statistic, namespace_and_name, read_table};

// In units of the dashboard's grid, which is 24 wide.
const WIDTH: usize = 24;
const WIDGET_WIDTH: usize = 8;
const WIDGET_HEIGHT: usize = 6;
const HEADING_HEIGHT: usize = 1;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Dashboard {
    section: Vec<Section>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    title: String,
    widget: Vec<Widget>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Widget {
    title: String,
    of: Option<String>,
    statistic: Option<String>,
    #[serde(default)]
    stacked: bool,
    metrics: Vec<Metric>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metric {
    #[serde(rename = "metric")]
    namespace_and_name: String,
    of: Option<String>,
    label: Option<String>,
    color: Option<String>,
    statistic: Option<String>,
    axis: Option<Axis>,
}

/// The axis of a metric.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Axis {
    Left,
    Right,
}

impl Axis {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }
}

/// The `!Sub` arguments of the body of a dashboard, declared in `file`.
pub(super) fn body(watched: &AllWatched, file: &str) -> anyhow::Result<String> {
    let dashboard: Dashboard = read_table(&format!("template/{file}"))?;
    let mut names = Names { watched, variables: BTreeMap::new() };
    let (mut widgets, mut top) = (Vec::new(), 0);
    for section in &dashboard.section {
        widgets.push(json!({
            "type": "text", "x": 0, "y": top, "width": WIDTH, "height": HEADING_HEIGHT,
            "properties": {"markdown": format!("# {}", section.title)},
        }));
        top += HEADING_HEIGHT;
        let row_length = WIDTH / WIDGET_WIDTH;
        for (number, widget) in section.widget.iter().enumerate() {
            let y = top + number / row_length * WIDGET_HEIGHT;
            widgets.push(json!({
                "type": "metric", "x": number % row_length * WIDGET_WIDTH, "y": y,
                "width": WIDGET_WIDTH, "height": WIDGET_HEIGHT, "properties": widget.properties(&mut names).with_context(|| widget.place(file))?,
            }));
        }
        top += section.widget.len().div_ceil(row_length) * WIDGET_HEIGHT;
    }
    let widgets: Vec<_> = widgets.iter().map(|widget| format!("    {widget}")).collect();
    let body = format!("  {{\"widgets\": [\n{}\n  ]}}\n", widgets.join(",\n"));
    let variables: Vec<_> =
        names.variables.iter().map(|(name, value)| format!("  {name}: {value}\n")).collect();
    Ok(format!("- |\n{body}-\n{}", variables.concat()))
}

impl Widget {
    fn place(&self, file: &str) -> String {
        format!("widget {:?} in template/{file}", self.title)
    }

    fn properties(&self, names: &mut Names<'_>) -> anyhow::Result<Value> {
        for statistic in
            self.statistic.iter().chain(self.metrics.iter().filter_map(|one| one.statistic.as_ref()))
        {
            check_statistic(statistic)?;
        }
        let metrics = self.metrics.iter().map(|metric| metric.line(self.of.as_deref(), names));
        let mut properties = json!({
            "title": self.title,
            "region": "${AWS::Region}",
            "view": "timeSeries",
            "stat": self.statistic.as_deref().unwrap_or("Sum"),
            "period": 300,
            "metrics": metrics.collect::<anyhow::Result<Vec<_>>>()?,
        });
        if self.stacked {
            properties["stacked"] = json!(true);
        }
        Ok(properties)
    }
}

impl Metric {
    fn line(&self, of: Option<&str>, names: &mut Names<'_>) -> anyhow::Result<Value> {
        let of = self.of.as_deref().or(of);
        let of = of.with_context(|| format!("{} needs `of`", self.namespace_and_name))?;
        let (namespace, name) = namespace_and_name(&self.namespace_and_name)?;
        let (dimension, value) = names.dimension(of)?;
        let mut line = vec![json!(namespace), json!(name), json!(dimension), json!(value)];
        let options = [
            ("label", self.label.as_deref()),
            ("color", self.color.as_deref()),
            ("stat", self.statistic.as_deref()),
            ("yAxis", self.axis.map(Axis::as_str)),
        ];
        let options: Map<_, _> =
            options.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))).collect();
        if !options.is_empty() {
            line.push(Value::Object(options));
        }
        Ok(Value::Array(line))
    }
}

/// The names that `!Sub` fills in.
struct Names<'watched> {
    watched: &'watched AllWatched,
    /// The names that do not refer to a resource, with their values.
    variables: BTreeMap<String, String>,
}

impl Names<'_> {
    fn dimension(&mut self, of: &str) -> anyhow::Result<(String, String)> {
        let watched = self.watched.get(of)?;
        if watched.value != format!("!Ref {of}") {
            self.variables.insert(of.to_owned(), watched.value.clone());
        }
        Ok((watched.dimension.clone(), format!("${{{of}}}")))
    }
}
