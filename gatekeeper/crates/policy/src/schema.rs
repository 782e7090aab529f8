//! The grammar as JSON Schema, for editors.

use crate::document::Document;

/// The schema of a policy file.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Document).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_every_key_and_refuses_others() {
        let schema = schema();
        for key in [
            "version",
            "name",
            "extends",
            "defaults",
            "kernel",
            "vars",
            "exec",
            "file",
            "net",
            "unix",
            "signal",
            "capability",
            "test",
        ] {
            assert!(schema["properties"][key].is_object(), "{key}");
        }
        for rule in ["ExecRule", "FileRule", "NetRule", "UnixRule", "SignalRule", "CapabilityRule"] {
            let table = &schema["$defs"][rule];
            assert!(table["properties"]["reason"].is_object() && table["properties"]["tags"].is_object());
            assert_eq!(table["additionalProperties"], false, "{rule}");
            assert_eq!(table["required"][0], "verdict", "{rule}");
        }
        assert!(schema["$defs"]["UnixRule"]["properties"]["abstract"].is_object());
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["required"], serde_json::json!(["version"]));
        assert!(schema["$defs"]["FileRule"]["properties"]["access"].is_object());
    }
}
