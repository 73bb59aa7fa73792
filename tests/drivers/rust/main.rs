//! Answers conformance cases with the crate that the example pack generates.
//!
//! The crate of the driver has no other dependency, and the standard library reads no JSON. So a
//! file of cases has a line a case, of tokens between spaces: `s` and a percent-encoded text, `l`
//! or `m` and how many items or pairs follow, `t`, `f`, and `n` for null. The answers are JSON.

use provider_registry as registry;

use registry::{Arm, Deprecation, EndpointVar, Error, OfferedModel, Provider, Runtime, Validation};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;

enum Value {
    Null,
    Bool(bool),
    Number(u64),
    Text(String),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

use Value::{Bool, Null, Number};

fn text(text: impl ToString) -> Value {
    Value::Text(text.to_string())
}

fn or_null(found: Option<&str>) -> Value {
    found.map_or(Null, text)
}

fn list<T>(items: impl IntoIterator<Item = T>, convert: impl Fn(T) -> Value) -> Value {
    Value::List(items.into_iter().map(convert).collect())
}

fn texts<T: ToString>(items: impl IntoIterator<Item = T>) -> Value {
    list(items, text)
}

fn object(fields: Vec<(&str, Value)>) -> Value {
    Value::Map(
        fields
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    )
}

// reading

fn decoded(token: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = token.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            let digits = std::str::from_utf8(&digits).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn value<'a>(tokens: &mut impl Iterator<Item = &'a str>) -> Value {
    let (kind, rest) = tokens.next().unwrap().split_at(1);
    let count = || rest.parse::<usize>().unwrap();
    match kind {
        "n" => Null,
        "t" => Bool(true),
        "f" => Bool(false),
        "s" => Value::Text(decoded(rest)),
        "l" => Value::List((0..count()).map(|_| value(tokens)).collect()),
        "m" => Value::Map(
            (0..count())
                .map(|_| (value(tokens).into_text(), value(tokens)))
                .collect(),
        ),
        _ => panic!("no kind {kind}"),
    }
}

impl Value {
    fn into_text(self) -> String {
        match self {
            Value::Text(text) => text,
            _ => panic!("not a text"),
        }
    }

    fn as_text(&self) -> &str {
        match self {
            Value::Text(text) => text,
            _ => panic!("not a text"),
        }
    }

    fn items(&self) -> &[Value] {
        match self {
            Value::List(items) => items,
            _ => panic!("not a list"),
        }
    }

    fn texts(&self) -> Vec<&str> {
        self.items().iter().map(Value::as_text).collect()
    }
}

struct Arguments(Value);

impl Arguments {
    fn get(&self, key: &str) -> &Value {
        let Value::Map(pairs) = &self.0 else {
            panic!("not a map")
        };
        let found = pairs.iter().find(|(name, _)| name == key);
        &found.unwrap_or_else(|| panic!("no argument {key}")).1
    }

    fn text(&self, key: &str) -> &str {
        self.get(key).as_text()
    }

    fn auth_env(&self) -> Vec<&str> {
        self.get("auth_env").texts()
    }

    fn env(&self) -> HashMap<&str, &str> {
        let Value::Map(pairs) = self.get("env") else {
            panic!("not a map")
        };
        pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_text()))
            .collect()
    }
}

// writing

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            '\0'..='\u{1f}' => write!(out, "\\u{:04x}", char as u32).unwrap(),
            _ => out.push(char),
        }
    }
    out.push('"');
}

fn write_json(value: &Value, out: &mut String) {
    match value {
        Null => out.push_str("null"),
        Bool(value) => write!(out, "{value}").unwrap(),
        Number(value) => write!(out, "{value}").unwrap(),
        Value::Text(text) => write_text(text, out),
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                out.push(if index == 0 { '[' } else { ',' });
                write_json(item, out);
            }
            out.push_str(if items.is_empty() { "[]" } else { "]" });
        }
        Value::Map(pairs) => {
            for (index, (key, value)) in pairs.iter().enumerate() {
                out.push(if index == 0 { '{' } else { ',' });
                write_text(key, out);
                out.push(':');
                write_json(value, out);
            }
            out.push_str(if pairs.is_empty() { "{}" } else { "}" });
        }
    }
}

// the catalog

fn constants() -> Value {
    object(vec![
        ("schema_version", Number(registry::SCHEMA_VERSION.into())),
        ("fingerprint", text(registry::FINGERPRINT)),
        (
            "credential_env_names",
            texts(registry::CREDENTIAL_ENV_NAMES),
        ),
        (
            "providers",
            list(registry::PROVIDERS, |each| provider(each)),
        ),
        ("runtimes", list(registry::RUNTIMES, |each| runtime(each))),
    ])
}

fn provider(found: &Provider) -> Value {
    object(vec![
        ("name", text(found.name)),
        ("display_name", text(found.display_name)),
        ("vendor_logo", text(found.vendor_logo)),
        ("protocol", text(found.protocol)),
        ("auth_mode", text(found.auth_mode)),
        ("base_url_template", or_null(found.base_url_template)),
        ("base_url_anthropic", or_null(found.base_url_anthropic)),
        ("auth_env", texts(found.auth_env)),
        ("auth_token_env", text(found.auth_token_env)),
        ("x_api_key_env", texts(found.x_api_key_env)),
        ("model_aliases", texts(found.model_aliases)),
        ("upstream_vendor", or_null(found.upstream_vendor)),
        ("endpoint_vars", list(found.endpoint_vars, endpoint_var)),
        ("wire_model_prefix", or_null(found.wire_model_prefix)),
        ("tooltip", or_null(found.tooltip)),
        (
            "deprecated",
            found.deprecated.as_ref().map_or(Null, deprecation),
        ),
        ("examples", texts(found.examples)),
        ("is_platform", Bool(found.is_platform)),
    ])
}

fn endpoint_var(found: &EndpointVar) -> Value {
    object(vec![
        ("placeholder", text(found.placeholder)),
        ("env", text(found.env)),
        ("default", or_null(found.default)),
    ])
}

fn deprecation(found: &Deprecation) -> Value {
    object(vec![
        ("since", or_null(found.since)),
        ("replacement", or_null(found.replacement)),
        ("note", or_null(found.note)),
    ])
}

fn arm(found: &Arm) -> Value {
    let withdrawn = list(found.withdrawn_models, |gone| {
        object(vec![
            ("id", text(gone.id)),
            ("reason", or_null(gone.reason)),
            ("replacement", or_null(gone.replacement)),
        ])
    });
    object(vec![
        ("provider", text(found.provider.name)),
        ("models", texts(found.models)),
        ("withdrawn_models", withdrawn),
    ])
}

fn runtime(found: &Runtime) -> Value {
    object(vec![
        ("name", text(found.name)),
        ("arms", list(found.arms, arm)),
        ("default_model", or_null(found.default_model)),
    ])
}

// the decisions

fn validation(found: &Validation) -> Value {
    object(vec![
        ("verdict", text(found.verdict)),
        ("is_allowed", Bool(found.is_allowed)),
        ("runtime", text(found.runtime)),
        ("model", text(found.model)),
        ("message", text(found)),
        ("suggestions", texts(found.suggestions())),
    ])
}

fn billing(a: &Arguments) -> Value {
    let override_mode = match a.get("override") {
        Null => None,
        given => Some(given.as_text()),
    };
    let found = registry::resolve_billing_mode(
        a.text("runtime"),
        a.text("model"),
        &a.auth_env(),
        override_mode,
        registry::BillingMode::from_word(a.text("default")).unwrap(),
        matches!(a.get("pinned"), Bool(true)),
    );
    object(vec![
        ("mode", text(found.mode)),
        ("source", text(found.source)),
        (
            "provider",
            or_null(found.provider.map(|provider| provider.name)),
        ),
    ])
}

fn missing(a: &Arguments) -> Value {
    let found = registry::missing_credentials(a.text("runtime"), a.text("model"), &a.auth_env());
    found.map_or(Null, |provider| {
        object(vec![
            ("provider", text(provider.name)),
            ("names", texts(provider.auth_env)),
        ])
    })
}

fn upstream(a: &Arguments) -> Result<Value, Error> {
    let found = registry::resolve_upstream(a.text("model"))?;
    Ok(object(vec![
        ("vendor", text(found.vendor)),
        ("model", text(found.model)),
        ("provider", text(found.provider.name)),
    ]))
}

fn endpoint(a: &Arguments) -> Result<Value, Error> {
    let env = a.env();
    let value = |name: &str| env.get(name).map(|value| (*value).to_owned());
    registry::endpoint(a.text("provider"), a.text("protocol"), value).map(text)
}

fn credential(a: &Arguments) -> Result<Value, Error> {
    let layers: Vec<Vec<&str>> = a.get("layers").items().iter().map(Value::texts).collect();
    let layers: Vec<&[&str]> = layers.iter().map(Vec::as_slice).collect();
    let found = registry::select_credential(a.text("provider"), a.text("protocol"), &layers)?;
    Ok(object(vec![
        ("name", text(found.name)),
        ("layer", Number(found.layer as u64)),
        ("header", text(found.header)),
        ("prefix", text(found.prefix)),
        (
            "extra_headers",
            list(found.extra_headers, |(name, value)| texts([name, value])),
        ),
    ]))
}

fn offered(found: OfferedModel) -> Value {
    object(vec![
        ("id", text(found.id)),
        ("provider", text(found.provider.name)),
        ("is_platform", Bool(found.is_platform)),
        ("auth_env", texts(found.auth_env)),
    ])
}

fn asked(name: &str, a: &Arguments) -> Result<Value, Error> {
    match name {
        "constants" => Ok(constants()),
        "derive_provider" => {
            let found =
                registry::derive_provider(a.text("runtime"), a.text("model"), &a.auth_env());
            found.map(|provider| text(provider.name))
        }
        "derive_provider_for_pin" => {
            let (runtime, model) = (a.text("runtime"), a.text("model"));
            let found = registry::derive_provider_for_pin(runtime, model, &a.auth_env());
            found.map(|provider| text(provider.name))
        }
        "validate_model" => Ok(validation(&registry::validate_model(
            a.text("runtime"),
            a.text("model"),
        ))),
        "suggest_models" => Ok(texts(registry::suggest_models(
            a.text("runtime"),
            a.text("model"),
        ))),
        "resolve_billing_mode" => Ok(billing(a)),
        "missing_credentials" => Ok(missing(a)),
        "resolve_upstream" => upstream(a),
        "endpoint" => endpoint(a),
        "wire_model" => registry::wire_model(a.text("provider"), a.text("model")).map(text),
        "select_credential" => credential(a),
        "offered_models" => {
            let found = registry::offered_models(a.text("runtime"), &a.auth_env())?;
            Ok(list(found, offered))
        }
        "models_for_runtime" => registry::models_for_runtime(a.text("runtime")).map(texts),
        "providers_for_runtime" => {
            let found = registry::providers_for_runtime(a.text("runtime"))?;
            Ok(texts(found.iter().map(|provider| provider.name)))
        }
        _ => panic!("no function {name}"),
    }
}

// What an error carries, as the encoding of the cases has it: without what is empty.
fn refusal(error: &Error) -> Value {
    let mut fields = vec![("code", text(error.code())), ("message", text(error))];
    match error {
        Error::ModelRequired { runtime } => fields.push(("runtime", or_null(runtime.as_deref()))),
        Error::UnknownRuntime { runtime } => fields.push(("runtime", text(runtime))),
        Error::UnregisteredModel { runtime, model } => {
            fields.extend([("runtime", text(runtime)), ("model", text(model))]);
        }
        Error::WithdrawnModel {
            runtime,
            model,
            reason,
            replacement,
        } => {
            fields.extend([("runtime", text(runtime)), ("model", text(model))]);
            fields.extend([
                ("reason", or_null(*reason)),
                ("replacement", or_null(*replacement)),
            ]);
        }
        Error::AmbiguousModel {
            runtime,
            model,
            candidates,
        } => {
            fields.extend([("runtime", text(runtime)), ("model", text(model))]);
            fields.push(("candidates", texts(candidates)));
        }
        Error::BareModel { model } => fields.push(("model", text(model))),
        Error::UnknownProvider { provider } => fields.push(("provider", text(provider))),
        Error::NoSurface { provider, .. } | Error::NotProxyable { provider } => {
            fields.push(("provider", text(provider)));
        }
        Error::MissingEndpointVar { provider, name } => {
            fields.extend([("provider", text(provider)), ("names", texts([name]))]);
        }
        Error::MissingCredential { provider, names } => {
            fields.extend([("provider", text(provider)), ("names", texts(*names))]);
        }
    }
    fields.push(("suggestions", texts(error.suggestions())));
    fields.retain(|(_, value)| match value {
        Null => false,
        Value::Text(text) => !text.is_empty(),
        Value::List(items) => !items.is_empty(),
        _ => true,
    });
    object(fields)
}

fn answer(line: &str) -> Value {
    let mut tokens = line.split(' ');
    let name = value(&mut tokens).into_text();
    let arguments = Arguments(value(&mut tokens));
    match asked(&name, &arguments) {
        Ok(found) => object(vec![("value", found)]),
        Err(error) => object(vec![("error", refusal(&error))]),
    }
}

/// Answers the cases of a file, a line each.
pub fn answer_all(path: &str) {
    let mut out = String::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        write_json(&answer(line), &mut out);
        out.push('\n');
    }
    std::io::stdout().write_all(out.as_bytes()).unwrap();
}

fn main() {
    answer_all(&std::env::args().nth(1).expect("usage: driver CASES"));
}
