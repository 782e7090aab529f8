//! Variables: `${workspace}` and the like, and those a document sets for itself.
//!
//! A built-in value is literal text: a workspace called `a*` is one directory. What `[vars]` sets is
//! pattern text, with the built-ins in it still literal. `\$` is a dollar sign.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use toml::Spanned;

use crate::error::{Help, PolicyError};
use crate::pattern::escape;
use crate::source::Source;

/// The values of the built-in variables in one session. Paths should be real ones: absolute, with
/// symbolic links resolved by whoever opens the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vars {
    values: [(&'static str, Vec<u8>); 6],
}

impl Vars {
    /// The variables of a session. A trailing slash is dropped, so that `${workspace}/**` reads well.
    #[must_use]
    pub fn new(workspace: &Path, home: &Path, user: &str, uid: u32, tmp: &Path, session: &str) -> Self {
        Self {
            values: [
                ("workspace", trimmed(workspace)),
                ("home", trimmed(home)),
                ("user", user.as_bytes().to_vec()),
                ("uid", uid.to_string().into_bytes()),
                ("tmp", trimmed(tmp)),
                ("session", session.as_bytes().to_vec()),
            ],
        }
    }

    /// Every variable with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        self.values.iter().map(|(name, value)| (*name, value.as_slice()))
    }

    fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

fn trimmed(path: &Path) -> Vec<u8> {
    let bytes = path.as_os_str().as_bytes();
    bytes.iter().rposition(|byte| *byte != b'/').map_or_else(Vec::new, |last| bytes[..=last].to_vec())
}

/// A variable that can't be put in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VarError {
    /// Nobody set it.
    #[error("variable `{0}` is unknown")]
    Unknown(String, String),
    /// `${` without `}`.
    #[error("`${{` without its `}}`")]
    Open,
    /// It leads back to itself.
    #[error("variable `{0}` refers to itself: {1}")]
    Recursion(String, String),
    /// A built-in of the same name.
    #[error("variable `{0}` is built in")]
    BuiltIn(String),
    /// Not a name.
    #[error("`{0}` can't be the name of a variable")]
    Name(String),
    /// Variables in variables in variables.
    #[error("variable `{0}` lies more than {NESTING} variables deep")]
    Nesting(String),
    /// Text that grows beyond reason.
    #[error("with its variables the text has more than {LONGEST} bytes")]
    Long,
}

/// Bytes that text with variables may come to: far more than a path has.
const LONGEST: usize = 16 << 10;
/// Variables in variables, at most: putting them in recurses.
const NESTING: usize = 32;

impl Help for VarError {
    fn help(&self) -> String {
        match self {
            Self::Unknown(_, known) => format!("use one of {known}, or set it under [vars]"),
            Self::Open => "close it, or write `\\$` for a dollar sign".to_owned(),
            Self::Recursion(..) => "break the circle".to_owned(),
            Self::BuiltIn(_) => "choose another name".to_owned(),
            Self::Name(_) => "use lower-case letters, digits and `_`".to_owned(),
            Self::Nesting(_) => "refer to fewer variables one from another".to_owned(),
            Self::Long => "shorten it".to_owned(),
        }
    }
}

/// The use of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Use {
    /// A pattern of paths: built-in values are escaped.
    Pattern,
    /// A path or an address, taken as it is.
    Plain,
}

/// The variables one document sees.
#[derive(Debug)]
pub struct Scope<'a> {
    built_in: &'a Vars,
    own: &'a BTreeMap<Spanned<String>, Spanned<String>>,
    /// Own variables put in once: without this, `a = "${b}${b}"`, `b = "${c}${c}"` … would take for ever.
    known: RefCell<HashMap<(String, Use), Vec<u8>>>,
}

impl<'a> Scope<'a> {
    /// The scope of a document; every variable it sets is tried once, used or not.
    ///
    /// # Errors
    /// Where a variable has no name that can be, or its value can't be put in.
    pub fn new(
        built_in: &'a Vars,
        own: &'a BTreeMap<Spanned<String>, Spanned<String>>,
        source: &Source,
    ) -> Result<Self, PolicyError> {
        let scope = Self { built_in, own, known: RefCell::default() };
        for (name, value) in own {
            let word = name.get_ref();
            let fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            if word.is_empty() || !word.bytes().all(fine) {
                return Err(source.problem(name.span(), &VarError::Name(word.clone())));
            }
            if built_in.get(word).is_some() {
                return Err(source.problem(name.span(), &VarError::BuiltIn(word.clone())));
            }
            scope
                .variable(word, Use::Pattern, &mut Vec::new())
                .map_err(|error| source.problem(value.span(), &error))?;
        }
        Ok(scope)
    }

    /// The text with every variable put in.
    ///
    /// # Errors
    /// Where a variable is unknown, or the text becomes too long.
    pub fn expand(&self, text: &str, used: Use) -> Result<Vec<u8>, VarError> {
        self.expand_inside(text, used, &mut Vec::new())
    }

    fn expand_inside(&self, text: &str, used: Use, inside: &mut Vec<String>) -> Result<Vec<u8>, VarError> {
        let mut out = Vec::with_capacity(text.len());
        let mut at = 0;
        while let Some(piece) = next_piece(text, at)? {
            out.extend(&text.as_bytes()[at..piece.start]);
            out.extend(self.variable(&text[piece.start + 2..piece.end - 1], used, inside)?);
            at = piece.end;
            if out.len() > LONGEST {
                return Err(VarError::Long);
            }
        }
        out.extend(&text.as_bytes()[at..]);
        Ok(out)
    }

    fn variable(&self, name: &str, used: Use, inside: &mut Vec<String>) -> Result<Vec<u8>, VarError> {
        if let Some(value) = self.built_in.get(name) {
            let mut out = Vec::new();
            match used {
                Use::Pattern => escape(value, &mut out),
                Use::Plain => out.extend(value),
            }
            return Ok(out);
        }
        let Some(value) = self.own.get(name) else {
            let known = self.built_in.iter().map(|(name, _)| name);
            let known: Vec<_> = known.chain(self.own.keys().map(|name| name.get_ref().as_str())).collect();
            return Err(VarError::Unknown(name.to_owned(), known.join(", ")));
        };
        if let Some(known) = self.known.borrow().get(&(name.to_owned(), used)) {
            return Ok(known.clone());
        }
        inside.push(name.to_owned());
        if inside.len() > NESTING {
            return Err(VarError::Nesting(name.to_owned()));
        }
        if inside.iter().filter(|outer| *outer == name).count() > 1 {
            return Err(VarError::Recursion(name.to_owned(), inside.join(" → ")));
        }
        let out = self.expand_inside(value.get_ref(), used, inside)?;
        inside.pop();
        self.known.borrow_mut().insert((name.to_owned(), used), out.clone());
        Ok(out)
    }
}

/// Where the next `${…}` stands, from `at` on; a backslash hides what follows it.
fn next_piece(text: &str, at: usize) -> Result<Option<Range<usize>>, VarError> {
    let bytes = text.as_bytes();
    let mut start = at;
    while start < bytes.len() {
        match bytes[start] {
            b'\\' => start += 2,
            b'$' if bytes.get(start + 1) == Some(&b'{') => {
                let length = text[start..].find('}').ok_or(VarError::Open)?;
                return Ok(Some(start..start + length + 1));
            }
            _ => start += 1,
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars() -> Vars {
        Vars::new(Path::new("/w/a*"), Path::new("/home/dev/"), "dev", 1000, Path::new("/tmp"), "s1")
    }

    fn own(pairs: &[(&str, &str)]) -> BTreeMap<Spanned<String>, Spanned<String>> {
        let spanned = |text: &str| Spanned::new(0..0, text.to_owned());
        pairs.iter().map(|(name, value)| (spanned(name), spanned(value))).collect()
    }

    /// A refusal of the variables themselves, or of a text that has them.
    #[derive(Debug, thiserror::Error)]
    enum Refused {
        #[error("{}", .0.problem)]
        Variables(#[from] PolicyError),
        #[error(transparent)]
        Text(#[from] VarError),
    }

    fn scoped(pairs: &[(&str, &str)], text: &str, used: Use) -> Result<String, Refused> {
        let (built_in, own, source) = (vars(), own(pairs), Source::new("t", None, String::new()));
        let out = Scope::new(&built_in, &own, &source)?.expand(text, used)?;
        Ok(String::from_utf8(out).unwrap())
    }

    fn problem(pairs: &[(&str, &str)], text: &str) -> String {
        scoped(pairs, text, Use::Plain).unwrap_err().to_string()
    }

    #[test]
    fn built_ins_are_literal_and_own_are_patterns() {
        assert_eq!(scoped(&[], "${workspace}/**", Use::Pattern).unwrap(), r"/w/a\*/**");
        assert_eq!(scoped(&[], "${workspace}/x", Use::Plain).unwrap(), "/w/a*/x");
        let cache = [("cache", "${home}/.cache/*"), ("deep", "${cache}/x")];
        assert_eq!(scoped(&cache, "${deep}", Use::Pattern).unwrap(), "/home/dev/.cache/*/x");
        assert_eq!(scoped(&[], r"/\${home}$", Use::Pattern).unwrap(), r"/\${home}$");
    }

    #[test]
    fn doubling_takes_no_time() {
        let doubles: Vec<_> =
            (0..30).map(|n| (format!("v{n}"), format!("${{v{}}}${{v{}}}", n + 1, n + 1))).collect();
        let mut doubles: Vec<_> =
            doubles.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        doubles.push(("v30", ""));
        assert_eq!(scoped(&doubles, "${v0}", Use::Plain).unwrap(), "");
    }

    #[test]
    fn the_root_as_a_value_leaves_single_slashes() {
        let built_in = Vars::new(Path::new("/"), Path::new("/"), "root", 0, Path::new("/tmp"), "s");
        let own = own(&[]);
        let scope = Scope::new(&built_in, &own, &Source::new("t", None, String::new())).unwrap();
        assert_eq!(scope.expand("${workspace}/**", Use::Pattern).unwrap(), b"/**");
    }

    #[test]
    fn faults_are_named() {
        assert!(problem(&[], "${nothing}").contains("`nothing` is unknown"));
        assert!(problem(&[], "${home").contains("without"));
        assert!(problem(&[("a", "${b}"), ("b", "${a}")], "").contains("a → b → a"));
        assert!(problem(&[("home", "x")], "").contains("built in"));
        assert!(problem(&[("A-b", "x")], "").contains("name"));
        let chain: Vec<_> =
            (0..40).map(|n| (format!("v{n}"), format!("${{v{}}}${{v{}}}", n + 1, n + 1))).collect();
        let chain: Vec<_> = chain.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert!(problem(&chain, "").contains("32 variables deep"));
        let long = "x".repeat(10_000);
        assert!(problem(&[("a", &long), ("b", "${a}${a}")], "").contains("more than"));
    }
}
