//! The figures of a run and their targets.

use std::fmt::Write as _;

use serde_json::json;

/// The bound of a figure.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

struct Figure {
    part: &'static str,
    name: String,
    value: f64,
    unit: &'static str,
    target: Option<Target>,
}

/// Figures in the order they were measured.
#[derive(Default)]
pub(crate) struct Figures(Vec<Figure>);

impl Figures {
    pub(crate) fn add(
        &mut self,
        part: &'static str,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
    ) {
        self.0.push(Figure { part, name: name.into(), value, unit, target: None });
    }

    pub(crate) fn compare(
        &mut self,
        part: &'static str,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        target: Target,
    ) {
        self.0.push(Figure { part, name: name.into(), value, unit, target: Some(target) });
    }

    pub(crate) fn table(&self) -> String {
        let mut table = String::from("| part | figure | value | target | |\n|---|---|---:|---:|---|\n");
        for Figure { part, name, value, unit, target } in &self.0 {
            let (target, verdict) = match target {
                None => (String::new(), ""),
                Some(target) => (target.text(unit), if target.is_met(*value) { "met" } else { "missed" }),
            };
            let _ =
                writeln!(table, "| {part} | {name} | {} | {target} | {verdict} |", with_unit(*value, unit));
        }
        table
    }

    pub(crate) fn json(&self) -> String {
        let figures: Vec<_> = self
            .0
            .iter()
            .map(|Figure { part, name, value, unit, target }| {
                json!({
                    "part": part, "figure": name, "value": value, "unit": unit,
                    "target": target.map(|target| target.text(unit)),
                    "met": target.map(|target| target.is_met(*value)),
                })
            })
            .collect();
        serde_json::to_string_pretty(&figures).unwrap() + "\n"
    }
}

impl Target {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::AtMost(bound) => value <= bound,
        }
    }

    fn text(self, unit: &str) -> String {
        match self {
            Self::AtLeast(bound) => format!("≥ {}", with_unit(bound, unit)),
            Self::AtMost(bound) => format!("≤ {}", with_unit(bound, unit)),
        }
    }
}

fn with_unit(value: f64, unit: &str) -> String {
    let digits = match value.abs() {
        large if large >= 100.0 => 0,
        medium if medium >= 10.0 => 1,
        small if small >= 0.1 => 2,
        _ => 3,
    };
    if unit == "×" {
        format!("{value:.digits$}×")
    } else {
        format!("{value:.digits$} {unit}").trim_end().to_owned()
    }
}
