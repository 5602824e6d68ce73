//! JSON Schema, as far as our own schemas use it; a keyword that is not known here fails.

use serde_json::Value;

/// Every way in which `value` is not what `schema` says, by its place.
pub fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    check(schema, schema, value, "$", &mut faults);
    faults
}

fn check(root: &Value, schema: &Value, value: &Value, place: &str, faults: &mut Vec<String>) {
    let mut fault = |what: String| faults.push(format!("{place}: {what}"));
    let schema = schema.as_object().expect("a schema is an object");
    let number = |bound: &Value| value.as_f64().map(|value| (value, bound.as_f64().unwrap()));
    let length = value.as_array().map(|items| items.len() as u64);
    for (keyword, wanted) in schema {
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "properties" | "items" | "$ref" => {}
            "type" if !is_of(wanted, value) => fault(format!("{value} is no {wanted}")),
            "enum" if !wanted.as_array().unwrap().contains(value) => {
                fault(format!("{value} is none of {wanted}"));
            }
            "minimum" if number(wanted).is_some_and(|(v, least)| v < least) => {
                fault(format!("{value} is less than {wanted}"));
            }
            "maximum" if number(wanted).is_some_and(|(v, most)| v > most) => {
                fault(format!("{value} is more than {wanted}"));
            }
            "minItems" if length.is_some_and(|length| length < wanted.as_u64().unwrap()) => {
                fault(format!("fewer than {wanted} items"));
            }
            "minLength" if value.as_str().is_some_and(|text| text.is_empty()) => {
                fault("empty".to_owned());
            }
            "required" => {
                for key in wanted.as_array().unwrap() {
                    let key = key.as_str().unwrap();
                    if value.is_object() && value.get(key).is_none() {
                        fault(format!("no '{key}'"));
                    }
                }
            }
            "additionalProperties" => {
                assert_eq!(wanted, &Value::Bool(false));
                for key in value
                    .as_object()
                    .into_iter()
                    .flat_map(|fields| fields.keys())
                {
                    if schema["properties"].get(key).is_none() {
                        fault(format!("'{key}' is not known"));
                    }
                }
            }
            "type" | "enum" | "minimum" | "maximum" | "minItems" | "minLength" => {}
            other => panic!("{place}: the keyword '{other}' is not known here"),
        }
    }
    if let Some(name) = schema.get("$ref") {
        let pointer = name.as_str().unwrap().strip_prefix('#').unwrap();
        check(root, root.pointer(pointer).unwrap(), value, place, faults);
    }
    if let (Some(properties), Some(fields)) = (schema.get("properties"), value.as_object()) {
        for (key, value) in fields {
            if let Some(schema) = properties.get(key) {
                check(root, schema, value, &format!("{place}.{key}"), faults);
            }
        }
    }
    if let (Some(schema), Some(items)) = (schema.get("items"), value.as_array()) {
        for (at, value) in items.iter().enumerate() {
            check(root, schema, value, &format!("{place}[{at}]"), faults);
        }
    }
}

fn is_of(wanted: &Value, value: &Value) -> bool {
    if let Some(several) = wanted.as_array() {
        return several.iter().any(|one| is_of(one, value));
    }
    match wanted.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        "null" => value.is_null(),
        other => panic!("the type '{other}' is not known here"),
    }
}

/// Places of objects whose `required` does not name every one of their `properties`.
pub fn optional(schema: &Value, place: &str, found: &mut Vec<String>) {
    let Some(fields) = schema.as_object() else {
        return;
    };
    if let (Some(properties), Some(required)) = (fields.get("properties"), fields.get("required")) {
        for key in properties.as_object().unwrap().keys() {
            if !required.as_array().unwrap().iter().any(|name| name == key) {
                found.push(format!("{place}.{key}"));
            }
        }
    }
    for (key, value) in fields {
        optional(value, &format!("{place}.{key}"), found);
    }
}
