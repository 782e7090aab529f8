//! `[[exec]]` as written.

use toml::Spanned;

use super::head::rule_table;

rule_table! {
    /// A rule about programs.
    "exec" ExecRule {
        /// Patterns of the program's real path.
        #[schemars(with = "Vec<String>", length(min = 1))]
        pub program: Spanned<Vec<Spanned<String>>>,
        /// The arguments that the rule matches, one pattern each, `"**"` for any number of them; left out: all.
        #[schemars(with = "Option<Vec<String>>")]
        pub args: Option<Spanned<Vec<Spanned<String>>>>,
        /// Names of environment variables, as patterns: the rule matches only a start with one of them set.
        #[schemars(with = "Option<Vec<String>>", length(min = 1))]
        pub env: Option<Spanned<Vec<Spanned<String>>>>,
        /// Whether a rule that lets the program start lets it change who runs it as well; left out: no.
        #[serde(default)]
        pub setuid: bool,
    }
}
