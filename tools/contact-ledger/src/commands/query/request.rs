//! What is asked: a query, and a value for each of its parameters.

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
    /// As a literal of Athena's SQL: Athena reads each value of a parameter as one.
    ///
    /// Source: Amazon Athena API Reference, `StartQueryExecution`, `ExecutionParameters`; Athena User Guide, "Use parameterized
    /// queries": text stands in single quotes. SQL doubles one that is within.
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

/// What is asked. Days that nobody said are missing.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) query: &'static Source,
    values: Vec<(Parameter, Option<Value>)>,
    /// What is said beside the days and beside the time zone, if they are nobody's choice.
    days_are: Option<&'static str>,
    zone_is: Option<&'static str>,
}

impl Request {
    /// Fills in the system's time zone, and the last day of those who say only the first.
    pub(super) fn new(query: &'static Source, values: Vec<(Parameter, Option<Value>)>) -> Self {
        let mut request = Self { query, values, days_are: None, zone_is: None };
        if request.has(Parameter::TimeZone) && request.value(Parameter::TimeZone).is_none() {
            let system = TimeZone::system();
            let (name, is) = match system.iana_name() {
                Some(name) => (name, "the time zone of this system"),
                None => ("UTC", "this system has no time zone with a name"),
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

    /// # Errors
    /// A sentence, when the days are in the wrong order.
    pub(super) fn ensure_days_in_order(&self) -> Result<(), WrongUsage> {
        match (self.day(Parameter::FirstDay), self.day(Parameter::LastDay)) {
            (Some(first), Some(last)) if last < first => {
                Err(WrongUsage(format!("--to {last} is before --from {first}")))
            }
            _ => Ok(()),
        }
    }

    /// Of yesterday, unless days are said.
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

    /// Of this day, which is what it says.
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

    /// The values, in the order of the query. Those of days may be missing.
    pub(super) fn values(&self) -> impl Iterator<Item = (Parameter, Option<&Value>)> {
        self.values.iter().map(|(parameter, value)| (*parameter, value.as_ref()))
    }

    /// What is asked, for people: every value, and where it comes from if nobody said it.
    pub(super) fn told(&self) -> String {
        let (mut first, mut last) = (self.day(Parameter::FirstDay), self.day(Parameter::LastDay));
        let is_by_week = self.value(Parameter::Grain) == Some(&Value::Text("week".to_owned()));
        if is_by_week {
            // Weeks are whole, from Monday on.
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
        let mut told =
            vec![format!("{days}{}", because(self.days_are.map(|day| format!("{of_week}{day}")).as_deref()))];
        if let Some(zone) = self.value(Parameter::TimeZone) {
            told.push(format!("{zone}{}", because(self.zone_is)));
        }
        if is_by_week {
            told.push("whole weeks".to_owned());
        }
        told.extend(self.values().filter_map(|(parameter, value)| of_value(parameter, value?)));
        format!("{}: {}", self.query.name, told.join(", "))
    }

    /// Why an answer may be empty.
    pub(super) fn why_empty(&self) -> String {
        let names = [Parameter::Queue, Parameter::RoutingProfile, Parameter::Instance]
            .into_iter()
            .filter_map(|parameter| {
                let name = self.value(parameter)?.to_string();
                (name != "*").then(|| {
                    format!(
                        "{} {name} matches Amazon Connect exactly, upper and lower case included",
                        parameter.name().replace('_', " ")
                    )
                })
            });
        let mut asked = vec!["these days have data".to_owned()];
        asked.extend(names);
        format!("No rows: check that {}", asked.join(", and that "))
    }

    fn has(&self, parameter: Parameter) -> bool {
        self.values.iter().any(|(here, _)| *here == parameter)
    }

    fn value(&self, parameter: Parameter) -> Option<&Value> {
        self.values().find_map(|(here, value)| value.filter(|_| here == parameter))
    }

    fn day(&self, parameter: Parameter) -> Option<Date> {
        match self.value(parameter) {
            Some(Value::Day(day)) => Some(*day),
            _ => None,
        }
    }

    fn set(&mut self, parameter: Parameter, value: Value) {
        if let Some((_, place)) = self.values.iter_mut().find(|(here, _)| *here == parameter) {
            *place = Some(value);
        }
    }
}

/// A value in words; `None` for the time zone and the days, which come first.
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
    fn yesterday_is_that_of_the_time_zone() {
        let now = Timestamp::parse("2026-03-02T11:30:00Z").unwrap();
        let days = ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"].map(|zone| {
            let told = request(zone).of_yesterday(now).told();
            told.split(": ").nth(1).unwrap()[..10].to_owned()
        });
        assert_eq!(days, ["2026-03-01", "2026-03-02", "2026-03-01"]);
    }

    #[test]
    fn what_is_asked_is_told_with_where_it_comes_from() {
        let now = Timestamp::parse("2026-03-02T11:30:00Z").unwrap();
        assert_eq!(
            request("Europe/London").of_yesterday(now).told(),
            "contact_chains: 2026-03-01 (yesterday), Europe/London, without simulated contacts"
        );
    }

    #[test]
    fn text_is_a_literal_and_nothing_else() {
        let told = |value: Value| value.literal();
        assert_eq!(told(Value::Text("x' OR '1'='1".to_owned())), "'x'' OR ''1''=''1'");
        assert_eq!(told(Value::Number(20)), "20");
        assert_eq!(told(Value::Flag(false)), "false");
    }
}
