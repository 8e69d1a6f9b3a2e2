//! The alarms that two tables in template/ declare: their resources, and their overview for docs/operations.md.

use std::fmt::Write as _;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::watched::{AllWatched, Watched, check_statistic, namespace_and_name, read_table};

/// The target of an alarm and its recovery: the given topic, or the topic that the stack creates for the email address.
const TARGET: &str =
    "!If [HasAlarmTarget, [!If [HasAlarmTopic, !Ref AlarmTopicArn, !Ref AlarmTopic]], !Ref AWS::NoValue]";

/// The tables of alarms.
const FILES: [&str; 2] = ["alarms.toml", "contact-event-alarms.toml"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    alarm: Vec<Alarm>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Alarm {
    id: String,
    condition: Option<String>,
    metric: Option<String>,
    expression: Option<Expression>,
    #[serde(default)]
    metrics: Vec<Term>,
    of: String,
    statistic: Option<String>,
    above: Option<f64>,
    below: Option<f64>,
    period: Option<u32>,
    periods: Option<Value>,
    missing: Option<Missing>,
    meaning: String,
}

/// How an alarm treats missing data.
/// Source: [PutMetricAlarm](https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html).
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Missing {
    Breaching,
    NotBreaching,
    Ignore,
    #[serde(rename = "missing")]
    Unknown,
}

impl Missing {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Breaching => "breaching",
            Self::NotBreaching => "notBreaching",
            Self::Ignore => "ignore",
            Self::Unknown => "missing",
        }
    }
}

/// Metric math.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expression {
    id: String,
    formula: String,
}

/// A metric in an expression.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Term {
    id: String,
    metric: String,
}

fn declared() -> anyhow::Result<Vec<Alarm>> {
    let mut alarms = Vec::new();
    for file in FILES {
        let Declared { alarm } = read_table(&format!("template/{file}"))?;
        alarms.extend(alarm);
    }
    for alarm in &alarms {
        alarm.check().with_context(|| alarm.place())?;
    }
    Ok(alarms)
}

/// The resources of the alarms.
pub(super) fn resources(watched: &AllWatched) -> anyhow::Result<String> {
    let mut yaml = String::new();
    for alarm in declared()? {
        let resource = watched.get(&alarm.of).and_then(|watched| alarm.resource(watched));
        yaml += &resource.with_context(|| alarm.place())?;
    }
    Ok(yaml)
}

/// The overview: each alarm with a link to its section, its condition and its meaning.
pub(crate) fn overview() -> anyhow::Result<String> {
    let mut table = "| alarm | condition | meaning and first step |\n|---|---|---|\n".to_owned();
    for alarm in declared()? {
        let (words, anchor) = (alarm.words(), alarm.anchor());
        let condition = alarm.condition_in_words().with_context(|| alarm.place())?;
        let _ = writeln!(table, "| [{words}](#{anchor}) | {condition} | {} |", alarm.meaning);
    }
    Ok(table)
}

impl Alarm {
    fn place(&self) -> String {
        format!("alarm {} in template/{}", self.id, FILES.join(" or template/"))
    }

    /// Checks what CloudWatch would refuse, or would accept and never evaluate as it is meant.
    fn check(&self) -> anyhow::Result<()> {
        for threshold in self.above.iter().chain(&self.below) {
            ensure!(threshold.is_finite(), "the threshold is not a number");
        }
        ensure!(
            self.metric.is_none() || self.metrics.is_empty(),
            "`metrics` belongs to an expression, not to `metric`"
        );
        ensure!(
            self.period().is_multiple_of(60) && self.period() > 0,
            "`period` is not a number of minutes, in seconds"
        );
        ensure!(!self.meaning.contains(['|', '\n']), "`meaning` is one cell of a table");
        check_statistic(self.statistic())
    }

    fn resource(&self, watched: &Watched) -> anyhow::Result<String> {
        let (threshold, comparison) = match (&self.above, &self.below) {
            (Some(above), None) => (above, "GreaterThanThreshold"),
            (None, Some(below)) => (below, "LessThanThreshold"),
            _ => bail!("exactly one of above and below is required"),
        };
        Ok(format!(
            "{id}:
  Type: AWS::CloudWatch::Alarm
  Condition: {condition}
  Properties:
    AlarmDescription: {description}
    AlarmActions: {TARGET}
    OKActions: {TARGET}
{watches}    EvaluationPeriods: {periods}
    Threshold: {threshold}
    ComparisonOperator: {comparison}
    TreatMissingData: {missing}

",
            id = self.id,
            condition = self.condition.as_deref().unwrap_or("HasAlarms"),
            description = json!(format!("{} (docs/operations.md#{})", self.meaning, self.anchor())),
            watches = self.watches(watched)?,
            periods = self.periods(),
            missing = self.missing.unwrap_or(Missing::NotBreaching).as_str(),
        ))
    }

    fn watches(&self, watched: &Watched) -> anyhow::Result<String> {
        let (period, statistic) = (self.period(), self.statistic());
        let dimensions = format!("[{{ Name: {}, Value: {} }}]", watched.dimension, watched.value);
        match (&self.metric, &self.expression) {
            (Some(metric), None) => {
                let (namespace, name) = namespace_and_name(metric)?;
                // Percentiles need a different property.
                let property = if statistic.starts_with('p') { "ExtendedStatistic" } else { "Statistic" };
                Ok(format!(
                    "    Namespace: {namespace}
    MetricName: {name}
    Dimensions: {dimensions}
    {property}: {statistic}
    Period: {period}
"
                ))
            }
            (None, Some(Expression { id, formula })) => {
                let mut yaml =
                    format!("    Metrics:\n      - {{ Id: {id}, Expression: {} }}\n", json!(formula));
                for Term { id, metric } in &self.metrics {
                    let (namespace, name) = namespace_and_name(metric)?;
                    let _ = write!(
                        yaml,
                        "      - Id: {id}
        ReturnData: false
        MetricStat:
          Metric: {{ Namespace: {namespace}, MetricName: {name}, Dimensions: {dimensions} }}
          Period: {period}
          Stat: {statistic}
"
                    );
                }
                Ok(yaml)
            }
            _ => bail!("exactly one of metric and expression is required"),
        }
    }

    /// The condition, in words.
    fn condition_in_words(&self) -> anyhow::Result<String> {
        let metrics = self.metric.iter().chain(self.metrics.iter().map(|term| &term.metric));
        let names: Vec<_> = metrics
            .map(|metric| Ok(format!("`{}`", namespace_and_name(metric)?.1)))
            .collect::<anyhow::Result<_>>()?;
        let what = if let [name] = &names[..] {
            format!("{} of {name}", self.statistic().to_lowercase())
        } else {
            format!("metric math over {}", names.join(", "))
        };
        let (side, threshold) = match (&self.above, &self.below) {
            (Some(above), _) => (">", above.to_string()),
            (None, below) => ("<", below.map_or_else(String::new, |below| below.to_string())),
        };
        let period = match self.period() {
            3600 => "1 hour".to_owned(),
            60 => "1 minute".to_owned(),
            seconds => format!("{} minutes", seconds / 60),
        };
        let in_a_row = match self.periods().as_str() {
            "1" => String::new(),
            periods => format!(", {} times in a row", periods.trim_start_matches("!Ref ")),
        };
        Ok(format!("{what} {side} {threshold} in {period}{in_a_row}"))
    }

    fn statistic(&self) -> &str {
        self.statistic.as_deref().unwrap_or("Sum")
    }

    fn period(&self) -> u32 {
        self.period.unwrap_or(300)
    }

    fn periods(&self) -> String {
        match &self.periods {
            None => "1".to_owned(),
            Some(Value::String(reference)) => reference.clone(),
            Some(number) => number.to_string(),
        }
    }

    /// The ID as words: the heading of its section in docs/operations.md.
    fn words(&self) -> String {
        let mut words = String::new();
        for letter in self.id.chars() {
            if letter.is_uppercase() && !words.is_empty() {
                words.push(' ');
            }
            words.push(letter);
        }
        words
    }

    fn anchor(&self) -> String {
        self.words().to_lowercase().replace(' ', "-")
    }
}
