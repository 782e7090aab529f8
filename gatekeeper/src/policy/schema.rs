//! The grammar as JSON Schema, for editors.

use super::document::Document;

/// The schema of a policy file.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Document).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speaks_of_every_key_and_refuses_others() {
        let schema = schema();
        for key in ["version", "name", "extends", "defaults", "vars", "exec", "file", "net", "test"] {
            assert!(schema["properties"][key].is_object(), "{key}");
        }
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["required"], serde_json::json!(["version"]));
        assert!(schema["$defs"]["FileRule"]["properties"]["access"].is_object());
    }
}
