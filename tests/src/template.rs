//! `template.yaml` as `CloudFormation` sees it: with its intrinsic functions resolved for given parameters.
//!
//! Source: [Intrinsic function reference](https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html)
//! (CloudFormation Template Reference).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};
use served_stack::{ACCOUNT, REGION};

/// The root of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The template's text.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn text() -> String {
    std::fs::read_to_string(repository().join("template.yaml")).expect("the template is in the repository")
}

/// The instance of the variants.
pub const INSTANCE: &str =
    "arn:aws:connect:eu-west-2:111122223333:instance/10000000-0000-4000-8000-000000000001";

/// Existing streams that Connect already fills, encrypted with their owners' keys.
pub const EXISTING: [(&str, &str); 4] = [
    ("ExistingContactRecordStreamArn", "arn:aws:kinesis:eu-west-2:111122223333:stream/their-records"),
    ("ExistingContactRecordStreamKeyArn", "arn:aws:kms:eu-west-2:111122223333:key/records"),
    ("ExistingAgentEventStreamArn", "arn:aws:kinesis:eu-west-2:111122223333:stream/their-events"),
    ("ExistingAgentEventStreamKeyArn", "arn:aws:kms:eu-west-2:111122223333:key/events"),
];

/// The deployments that differ in their resources: name and parameters.
#[must_use]
pub fn variants() -> [(&'static str, Vec<(&'static str, &'static str)>); 5] {
    [
        ("defaults", vec![]),
        (
            "kinesis",
            vec![
                ("ContactRecordSource", "Kinesis"),
                ("StreamMode", "Provisioned"),
                ("Tracing", "Active"),
                ("ConnectInstanceArn", INSTANCE),
                ("AlarmEmail", "operator@example.com"),
            ],
        ),
        ("least", vec![("LakeTables", "false"), ("AgentEventArchive", "false"), ("Alarms", "false")]),
        ("contact events", vec![("ContactEvents", "true"), ("ConnectInstanceArn", INSTANCE)]),
        ("existing streams", [("ConnectInstanceArn", INSTANCE)].into_iter().chain(EXISTING).collect()),
    ]
}

/// The template with its parameters set.
#[derive(Debug, Clone)]
pub struct Template {
    document: Value,
    parameters: BTreeMap<String, String>,
}

impl Template {
    /// The template with these parameters, and defaults for all others.
    ///
    /// # Panics
    /// When it is not YAML, or has no such parameter.
    #[must_use]
    pub fn with(parameters: &[(&str, &str)]) -> Self {
        Self::of(&text(), parameters)
    }

    /// Any template's text with these parameters, and defaults for all others.
    ///
    /// # Panics
    /// When it is not YAML, or has no such parameter.
    #[must_use]
    pub fn of(text: &str, parameters: &[(&str, &str)]) -> Self {
        let documents = Yaml::load_from_str(text).expect("the template is YAML");
        let document = plain(&documents[0]);
        let declared = document["Parameters"].as_object().expect("the template has parameters");
        let default = |(name, parameter): (&String, &Value)| {
            let default = &parameter["Default"];
            (name.clone(), default.as_str().map_or_else(|| default.to_string(), ToOwned::to_owned))
        };
        let mut all: BTreeMap<_, _> = declared.iter().map(default).collect();
        for (name, value) in parameters {
            let parameter = all.get_mut(*name).unwrap_or_else(|| panic!("there is no parameter {name}"));
            (*value).clone_into(parameter);
        }
        Self { document, parameters: all }
    }

    /// The template with its defaults.
    #[must_use]
    pub fn with_defaults() -> Self {
        Self::with(&[])
    }

    /// A parameter's value.
    ///
    /// # Panics
    /// When there is no such parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).unwrap_or_else(|| panic!("there is no parameter {name}"))
    }

    /// The declarations of the parameters.
    ///
    /// # Panics
    /// Never: `with` has checked them.
    #[must_use]
    pub fn declared_parameters(&self) -> &Map<String, Value> {
        self.document["Parameters"].as_object().expect("the template has parameters")
    }

    /// Every resource that these parameters create, resolved, by logical ID.
    ///
    /// # Panics
    /// When something cannot be resolved.
    #[must_use]
    pub fn resources(&self) -> BTreeMap<String, Value> {
        let resources = self.document["Resources"].as_object().expect("the template has resources");
        let created = resources
            .iter()
            .filter(|(_, resource)| resource["Condition"].as_str().is_none_or(|name| self.condition(name)));
        created.map(|(id, resource)| (id.clone(), self.resolve(resource).unwrap_or_default())).collect()
    }

    /// The types of all resources, whatever the parameters, by logical ID.
    ///
    /// # Panics
    /// When the template has no resources.
    #[must_use]
    pub fn types(&self) -> BTreeMap<String, String> {
        let resources = self.document["Resources"].as_object().expect("the template has resources");
        let types = resources.iter().map(|(id, resource)| {
            (id.clone(), resource["Type"].as_str().expect("a resource has a type").to_owned())
        });
        types.collect()
    }

    /// The whole template, with everything resolved that depends on the parameters.
    ///
    /// # Panics
    /// When something cannot be resolved.
    #[must_use]
    pub fn resolved(&self) -> Value {
        let mut resolved = Map::new();
        for (section, value) in self.document.as_object().expect("a template has sections") {
            let value = match section.as_str() {
                "Resources" => json!(self.resources()),
                "Outputs" => self.outputs(),
                "Conditions" => {
                    let names = value.as_object().into_iter().flat_map(Map::keys);
                    names.map(|name| (name.clone(), json!(self.condition(name)))).collect()
                }
                "Globals" => self.resolve(value).unwrap_or_default(),
                _ => value.clone(),
            };
            resolved.insert(section.clone(), value);
        }
        // Parsed, so that its formatting does not count.
        let body = &mut resolved["Resources"]["Dashboard"]["Properties"]["DashboardBody"];
        *body = serde_json::from_str(body.as_str().expect("a body is text")).expect("a body is JSON");
        Value::Object(resolved)
    }

    fn outputs(&self) -> Value {
        let outputs = self.document["Outputs"].as_object().expect("the template has outputs");
        let exist = outputs
            .iter()
            .filter(|(_, output)| output["Condition"].as_str().is_none_or(|name| self.condition(name)));
        exist.map(|(name, output)| (name.clone(), self.resolve(output).unwrap_or_default())).collect()
    }

    /// The properties of a resource.
    ///
    /// # Panics
    /// When these parameters do not create it.
    #[must_use]
    pub fn properties(&self, id: &str) -> Value {
        let mut resources = self.resources();
        let resource = resources.get_mut(id).unwrap_or_else(|| panic!("{id} is not created"));
        resource["Properties"].take()
    }

    /// The resources of a type, with their properties.
    #[must_use]
    pub fn of_type(&self, resource_type: &str) -> Vec<(String, Value)> {
        let resources = self.resources().into_iter();
        let of_type = resources.filter(|(_, resource)| resource["Type"] == resource_type);
        of_type.map(|(id, mut resource)| (id, resource["Properties"].take())).collect()
    }

    /// The descriptions of the rules that these parameters break.
    ///
    /// # Panics
    /// When the template has no rules.
    #[must_use]
    pub fn broken_rules(&self) -> Vec<String> {
        let rules = self.document["Rules"].as_object().expect("the template has rules").values();
        let applies = |rule: &&Value| rule["RuleCondition"].is_null() || self.truth(&rule["RuleCondition"]);
        let assertions =
            rules.filter(applies).flat_map(|rule| rule["Assertions"].as_array().into_iter().flatten());
        let broken = assertions.filter(|assertion| !self.truth(&assertion["Assert"]));
        broken
            .map(|assertion| assertion["AssertDescription"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// The value of an output.
    ///
    /// # Panics
    /// When there is no such output with these parameters.
    #[must_use]
    pub fn output(&self, name: &str) -> Value {
        let output = &self.document["Outputs"][name];
        assert!(output["Condition"].as_str().is_none_or(|name| self.condition(name)), "there is no {name}");
        self.resolve(&output["Value"]).unwrap_or_else(|| panic!("{name} has no value"))
    }

    fn condition(&self, name: &str) -> bool {
        self.truth(&self.document["Conditions"][name])
    }

    fn truth(&self, condition: &Value) -> bool {
        let (function, arguments) = only_member(condition).expect("a condition is one function");
        let all = || arguments.as_array().expect("a condition function has a list").iter();
        match function {
            "Condition" => self.condition(arguments.as_str().expect("a condition has a name")),
            "Fn::Equals" => {
                let sides: Vec<_> = all().map(|side| self.resolve(side)).collect();
                sides[0] == sides[1]
            }
            "Fn::Not" => !all().any(|condition| self.truth(condition)),
            "Fn::And" => all().all(|condition| self.truth(condition)),
            "Fn::Or" => all().any(|condition| self.truth(condition)),
            _ => panic!("{function} is not supported in a condition"),
        }
    }

    /// The resolved value. `None` is `AWS::NoValue`, which removes the member that has it as its value.
    fn resolve(&self, value: &Value) -> Option<Value> {
        if let Some((function, arguments)) = only_member(value)
            && (function == "Ref" || function.starts_with("Fn::"))
        {
            return self.call(function, arguments);
        }
        Some(match value {
            Value::Object(members) => {
                let resolved =
                    members.iter().filter_map(|(name, value)| Some((name.clone(), self.resolve(value)?)));
                Value::Object(resolved.collect())
            }
            Value::Array(elements) => elements.iter().filter_map(|element| self.resolve(element)).collect(),
            _ => value.clone(),
        })
    }

    fn call(&self, function: &str, arguments: &Value) -> Option<Value> {
        match (function, arguments) {
            ("Ref", Value::String(name)) => self.reference(name).map(Value::String),
            ("Fn::GetAtt", Value::Array(path)) => {
                let path: Vec<_> = path.iter().filter_map(Value::as_str).collect();
                Some(Value::String(attribute(&path.join("."))))
            }
            ("Fn::If", Value::Array(branches)) => {
                let chosen = if self.condition(branches[0].as_str()?) { &branches[1] } else { &branches[2] };
                self.resolve(chosen)
            }
            ("Fn::Sub", Value::String(text)) => Some(Value::String(self.substitute(text, &Map::new()))),
            ("Fn::Sub", Value::Array(arguments)) => {
                let variables = self.resolve(&arguments[1])?;
                Some(Value::String(self.substitute(arguments[0].as_str()?, variables.as_object()?)))
            }
            ("Fn::Select", Value::Array(arguments)) => {
                let list = self.resolve(&arguments[1])?;
                let place = usize::try_from(arguments[0].as_u64()?).ok()?;
                list.as_array()?.get(place).cloned()
            }
            ("Fn::Split", Value::Array(arguments)) => {
                let text = self.resolve(&arguments[1])?;
                Some(text.as_str()?.split(arguments[0].as_str()?).map(Value::from).collect())
            }
            ("Fn::Base64", argument) => {
                let text = self.resolve(argument)?;
                Some(Value::String(base64_simd::STANDARD.encode_to_string(text.as_str()?)))
            }
            _ => panic!("{function} is not supported"),
        }
    }

    fn reference(&self, name: &str) -> Option<String> {
        Some(match name {
            "AWS::NoValue" => return None,
            "AWS::AccountId" => ACCOUNT.to_owned(),
            "AWS::Region" => REGION.to_owned(),
            "AWS::Partition" => "aws".to_owned(),
            "AWS::StackName" => "stack".to_owned(),
            // The database's name is part of other strings.
            "Database" => self.parameter("DatabaseName").to_owned(),
            _ => {
                let resource = &self.document["Resources"][name];
                let is_resource = resource.is_object();
                let is_created = resource["Condition"].as_str().is_none_or(|name| self.condition(name));
                assert!(is_created, "{name} is referred to, but these parameters do not create it");
                let value = self.parameters.get(name).map(String::as_str);
                value
                    .or(is_resource.then_some(name))
                    .unwrap_or_else(|| panic!("there is no {name}"))
                    .to_owned()
            }
        })
    }

    fn substitute(&self, text: &str, variables: &Map<String, Value>) -> String {
        let mut resolved = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            resolved.push_str(before);
            let (name, after) = after.split_once('}').expect("a ${ is closed");
            rest = after;
            if let Some(literal) = name.strip_prefix('!') {
                resolved.extend(["${", literal, "}"]);
            } else if let Some(value) = variables.get(name) {
                resolved.push_str(value.as_str().expect("a variable is text"));
            } else if name.contains('.') {
                resolved.push_str(&attribute(name));
            } else {
                resolved.push_str(&self.reference(name).expect("AWS::NoValue is not a string"));
            }
        }
        resolved + rest
    }
}

/// A resource's attribute: its ARN in the local stack, so that policies can be tested there.
fn attribute(path: &str) -> String {
    match path {
        "AgentStateTable.Arn" => local_aws::permission::table_arn("AgentState"),
        "ContactStateTable.Arn" => local_aws::permission::table_arn("ContactState"),
        "AgentHistoryTable.Arn" => local_aws::permission::table_arn("AgentHistory"),
        "LakeBucket.Arn" => local_aws::permission::bucket_arn("lake"),
        _ => path.to_owned(),
    }
}

fn only_member(value: &Value) -> Option<(&str, &Value)> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    object.iter().next().map(|(name, value)| (name.as_str(), value))
}

/// Converts YAML to JSON, and the short forms of functions to the long ones.
fn plain(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.0),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(elements) => elements.iter().map(plain).collect(),
        Yaml::Mapping(members) => {
            let member = |(name, value): (&Yaml<'_>, &Yaml<'_>)| {
                (name.as_str().unwrap_or_default().to_owned(), plain(value))
            };
            Value::Object(members.iter().map(member).collect())
        }
        Yaml::Tagged(tag, value) => match (tag.suffix.as_str(), plain(value)) {
            (function @ ("Ref" | "Condition"), value) => json!({ function: value }),
            ("GetAtt", Value::String(path)) => {
                let path: Vec<_> = path.splitn(2, '.').collect();
                json!({ "Fn::GetAtt": path })
            }
            (function, value) => json!({ format!("Fn::{function}"): value }),
        },
        Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => {
            panic!("{yaml:?} does not belong in a template")
        }
    }
}
