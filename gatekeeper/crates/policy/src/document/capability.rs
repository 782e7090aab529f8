//! `[[capability]]` as written.

use toml::Spanned;

use super::head::rule_table;

rule_table! {
    /// A rule about capabilities that a task has and may use, or not.
    "capability" CapabilityRule {
        /// Names as in capabilities(7), such as `net_bind_service`; `"*"` for all.
        #[schemars(with = "Vec<String>", length(min = 1))]
        pub capability: Spanned<Vec<Spanned<String>>>,
    }
}
