//! `[[exec]]` as written.

use toml::Spanned;

use super::head::rule_table;

rule_table! {
    /// A rule about programs: those of `program`, or those of a `tool`.
    "exec" ExecRule {
        /// Patterns of the program's real path.
        #[schemars(with = "Option<Vec<String>>", length(min = 1))]
        pub program: Option<Spanned<Vec<Spanned<String>>>>,
        /// In place of `program`: the name of a tool that a `[tools.NAME]` describes.
        #[schemars(with = "Option<String>")]
        pub tool: Option<Spanned<String>>,
        /// With `tool`: the subcommands that the rule matches, whatever options stand before them; left out: all.
        #[schemars(with = "Option<Vec<String>>", length(min = 1))]
        pub subcommand: Option<Spanned<Vec<Spanned<String>>>>,
        /// With `program`: patterns of the name that it is called by (`argv[0]` without folders). Left out: of a rule
        /// that forbids, any; of one that lets it start with some `args`, the names in `program`.
        #[schemars(with = "Option<Vec<String>>", length(min = 1))]
        pub name: Option<Spanned<Vec<Spanned<String>>>>,
        /// The arguments that the rule matches, one pattern each, `"**"` for any number of them; left out: all.
        /// With `subcommand`: the arguments behind it.
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
