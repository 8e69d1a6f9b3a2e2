//! A query with a value for each of its parameters.

use std::fmt;

use connect_streams::Timestamp;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use lake_queries::{Parameter, Source};
use ledger_console::process::program::WrongUsage;

/// A value of a parameter, by its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Day(Date),
    Number(u32),
    Flag(bool),
}

impl Value {
    /// The value as an SQL literal, the form in which Athena expects parameter values.
    ///
    /// Source: [`StartQueryExecution`](https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html),
    /// `ExecutionParameters`;
    /// [Use parameterized queries](https://docs.aws.amazon.com/athena/latest/ug/querying-with-prepared-statements.html)
    /// (Athena User Guide): text is in single quotes, with single quotes in it doubled.
    pub(super) fn literal(&self) -> String {
        match self {
            Self::Text(_) | Self::Day(_) => format!("'{}'", self.to_string().replace('\'', "''")),
            Self::Number(_) | Self::Flag(_) => self.to_string(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Day(day) => write!(f, "{day}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
        }
    }
}

/// A query with its values. Days that were not given are missing.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) query: &'static Source,
    values: Vec<(Parameter, Option<Value>)>,
    /// Where the days and the time zone come from, if they were not given.
    days_are: Option<&'static str>,
    zone_is: Option<&'static str>,
}

impl Request {
    /// Fills in the system time zone, and the second day if only one is given.
    pub(super) fn new(query: &'static Source, values: Vec<(Parameter, Option<Value>)>) -> Self {
        let mut request = Self { query, values, days_are: None, zone_is: None };
        if request.has(Parameter::TimeZone) && request.value(Parameter::TimeZone).is_none() {
            let system = TimeZone::system();
            let (name, is) = match system.iana_name() {
                Some(name) => (name, "the time zone of this system"),
                None => ("UTC", "this system has no IANA time zone"),
            };
            request.set(Parameter::TimeZone, Value::Text(name.to_owned()));
            request.zone_is = Some(is);
        }
        match (request.day(Parameter::FirstDay), request.day(Parameter::LastDay)) {
            (Some(day), None) => request.set(Parameter::LastDay, Value::Day(day)),
            (None, Some(day)) => request.set(Parameter::FirstDay, Value::Day(day)),
            _ => {}
        }
        request
    }

    /// Checks the order of the days.
    ///
    /// # Errors
    /// If the last day is before the first.
    pub(super) fn ensure_days_in_order(&self) -> Result<(), WrongUsage> {
        match (self.day(Parameter::FirstDay), self.day(Parameter::LastDay)) {
            (Some(first), Some(last)) if last < first => {
                Err(WrongUsage(format!("--to {last} is before --from {first}")))
            }
            _ => Ok(()),
        }
    }

    /// The request for yesterday, unless days are given.
    pub(super) fn of_yesterday(&self, now: Timestamp) -> Self {
        if self.has_days() {
            return self.clone();
        }
        let zone = self.value(Parameter::TimeZone).map(ToString::to_string).unwrap_or_default();
        let zone = TimeZone::get(&zone).unwrap_or(TimeZone::UTC);
        let now = jiff::Timestamp::from_millisecond(now.epoch_milliseconds()).unwrap_or_default();
        let today = zone.to_datetime(now).date();
        self.of_day(today.saturating_sub(1.day()), "yesterday")
    }

    /// The request for one day; `is` describes the day.
    pub(super) fn of_day(&self, day: Date, is: &'static str) -> Self {
        let mut request = self.clone();
        request.set(Parameter::FirstDay, Value::Day(day));
        request.set(Parameter::LastDay, Value::Day(day));
        request.days_are = Some(is);
        request
    }

    pub(super) fn has_days(&self) -> bool {
        self.day(Parameter::FirstDay).is_some()
    }

    /// The values in the order of the query's parameters. Days may be missing.
    pub(super) fn values(&self) -> impl Iterator<Item = (Parameter, Option<&Value>)> {
        self.values.iter().map(|(parameter, value)| (*parameter, value.as_ref()))
    }

    /// A description of the request: every value, and where it comes from if it was not given.
    pub(super) fn description(&self) -> String {
        let (mut first, mut last) = (self.day(Parameter::FirstDay), self.day(Parameter::LastDay));
        let is_by_week = self.value(Parameter::Grain) == Some(&Value::Text("week".to_owned()));
        if is_by_week {
            // Whole weeks, starting on Monday.
            let monday =
                |day: Date| day.saturating_sub(i64::from(day.weekday().to_monday_zero_offset()).days());
            (first, last) = (first.map(monday), last.map(|day| monday(day).saturating_add(6.days())));
        }
        let days = match (first, last) {
            (Some(first), Some(last)) if first == last => first.to_string(),
            (Some(first), Some(last)) => format!("{first} to {last}"),
            _ => String::new(),
        };
        let of_week = if is_by_week { "the week of " } else { "" };
        let because = |because: Option<&str>| because.map(|text| format!(" ({text})")).unwrap_or_default();
        let mut parts =
            vec![format!("{days}{}", because(self.days_are.map(|day| format!("{of_week}{day}")).as_deref()))];
        if let Some(zone) = self.value(Parameter::TimeZone) {
            parts.push(format!("{zone}{}", because(self.zone_is)));
        }
        if is_by_week {
            parts.push("whole weeks".to_owned());
        }
        parts.extend(self.values().filter_map(|(parameter, value)| of_value(parameter, value?)));
        format!("{}: {}", self.query.name, parts.join(", "))
    }

    /// Why a result may be empty.
    pub(super) fn why_empty(&self) -> String {
        let names = [Parameter::Queue, Parameter::RoutingProfile, Parameter::Instance]
            .into_iter()
            .filter_map(|parameter| {
                let name = self.value(parameter)?.to_string();
                (name != "*").then(|| {
                    format!(
                        "{} {name} matches Amazon Connect exactly, including case",
                        parameter.name().replace('_', " ")
                    )
                })
            });
        let mut checks = vec!["these days have data".to_owned()];
        checks.extend(names);
        format!("No rows: check that {}", checks.join(", and that "))
    }

    fn has(&self, parameter: Parameter) -> bool {
        self.values.iter().any(|(own, _)| *own == parameter)
    }

    fn value(&self, parameter: Parameter) -> Option<&Value> {
        self.values().find_map(|(own, value)| value.filter(|_| own == parameter))
    }

    fn day(&self, parameter: Parameter) -> Option<Date> {
        match self.value(parameter) {
            Some(Value::Day(day)) => Some(*day),
            _ => None,
        }
    }

    fn set(&mut self, parameter: Parameter, value: Value) {
        if let Some((_, slot)) = self.values.iter_mut().find(|(own, _)| *own == parameter) {
            *slot = Some(value);
        }
    }
}

/// A value in words; `None` for the time zone and the days, which are printed first.
fn of_value(parameter: Parameter, value: &Value) -> Option<String> {
    let named = |what: &str| match value.to_string().as_str() {
        "*" => format!("every {what}"),
        name => format!("{what} {name}"),
    };
    Some(match parameter {
        Parameter::TimeZone | Parameter::FirstDay | Parameter::LastDay => return None,
        Parameter::Grain => format!("grain {value}"),
        Parameter::Queue => named("queue"),
        Parameter::RoutingProfile => named("routing profile"),
        Parameter::Instance => named("instance"),
        Parameter::IncludeSimulated if *value == Value::Flag(true) => "with simulated contacts".to_owned(),
        Parameter::IncludeSimulated => "without simulated contacts".to_owned(),
        Parameter::LookBack => format!("look-back {value} days"),
        Parameter::Threshold => format!("threshold {value} s"),
        Parameter::Comparison => format!("comparison {value}"),
        Parameter::Days => format!("within {value} days"),
    })
}

#[cfg(test)]
mod tests {
    use super::{Request, Value};
    use connect_streams::Timestamp;
    use lake_queries::{Parameter, named};

    fn request(zone: &str) -> Request {
        let query = named().iter().find(|query| query.name == "contact_chains").unwrap();
        let values = vec![
            (Parameter::TimeZone, Some(Value::Text(zone.to_owned()))),
            (Parameter::FirstDay, None),
            (Parameter::LastDay, None),
            (Parameter::IncludeSimulated, Some(Value::Flag(false))),
        ];
        Request::new(query, values)
    }

    #[test]
    fn yesterday_depends_on_the_time_zone() {
        let now = Timestamp::parse("2026-03-02T11:30:00Z").unwrap();
        let days = ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"].map(|zone| {
            let description = request(zone).of_yesterday(now).description();
            description.split(": ").nth(1).unwrap()[..10].to_owned()
        });
        assert_eq!(days, ["2026-03-01", "2026-03-02", "2026-03-01"]);
    }

    #[test]
    fn a_description_says_where_default_values_come_from() {
        let now = Timestamp::parse("2026-03-02T11:30:00Z").unwrap();
        assert_eq!(
            request("Europe/London").of_yesterday(now).description(),
            "contact_chains: 2026-03-01 (yesterday), Europe/London, without simulated contacts"
        );
    }

    #[test]
    fn text_with_quotes_stays_one_literal() {
        let literal = |value: Value| value.literal();
        assert_eq!(literal(Value::Text("x' OR '1'='1".to_owned())), "'x'' OR ''1''=''1'");
        assert_eq!(literal(Value::Number(20)), "20");
        assert_eq!(literal(Value::Flag(false)), "false");
    }
}
