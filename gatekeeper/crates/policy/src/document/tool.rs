//! `[tools.NAME]` as written.

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

/// A description of a tool: its programs, and the options that stand before its subcommand.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolTable {
    /// Patterns of the real path of every copy of the program.
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub program: Spanned<Vec<Spanned<String>>>,
    /// Options without a value, each a literal with at most one `*` at its end: `--bare`, `--git-dir=*`.
    #[schemars(with = "Option<Vec<String>>")]
    pub flags: Option<Spanned<Vec<Spanned<String>>>>,
    /// Patterns of what a flag takes for its value where it comes next: `true`.
    #[schemars(with = "Option<Vec<String>>")]
    pub flag_values: Option<Spanned<Vec<Spanned<String>>>>,
    /// Options whose value is the next argument: `-C`.
    #[schemars(with = "Option<Vec<String>>")]
    pub with_value: Option<Spanned<Vec<Spanned<String>>>>,
    /// The beginning of names under which the program is its own subcommand: `git-` makes `git-push` of `push`, and
    /// nothing makes `reboot` of `reboot`.
    #[schemars(with = "Option<String>")]
    pub applet: Option<Spanned<String>>,
}
