//! A policy and all it extends, read once each.

use std::path::{Path, PathBuf};

use crate::builtin::Places;
use crate::document::{Document, Loaded};
use crate::error::PolicyError;
use crate::source::Source;

/// Policies that may come together in one, at most.
const DOCUMENTS: usize = 64;

/// The directories in which policies are looked for by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPath {
    /// The policy directories, in order.
    pub directories: Vec<PathBuf>,
}

impl Default for SearchPath {
    fn default() -> Self {
        Self { directories: vec!["/etc/gatekeeper/policies".into(), "/usr/share/gatekeeper/policies".into()] }
    }
}

impl SearchPath {
    /// The file of the policy with this name, looked for in a file's folder and then in the directories. A name may
    /// have one folder: `tools/git`.
    #[must_use]
    pub fn find(&self, name: &str, neighbour: Option<&Path>) -> Option<PathBuf> {
        let mut places =
            neighbour.and_then(Path::parent).into_iter().chain(self.directories.iter().map(PathBuf::as_path));
        places.find_map(|place| Some(place.join(format!("{name}.toml"))).filter(|file| file.is_file()))
    }
}

/// A policy as written: the documents it is made of, variables not yet put in.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// Those extended first, the policy itself last.
    pub documents: Vec<Loaded>,
    /// The places that gatekeeper protects.
    pub places: Places,
}

/// Loads a policy by its file's path (it holds a `/` or ends in `.toml`) or by its name.
///
/// # Errors
/// Where there is no such policy, or it or one that it extends can't be read.
#[expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "names of files differ by case on Linux"
)]
pub fn load(path_or_name: &str, search: &SearchPath) -> Result<Policy, PolicyError> {
    let path = if path_or_name.contains('/') || path_or_name.ends_with(".toml") {
        PathBuf::from(path_or_name)
    } else {
        search.find(path_or_name, None).ok_or_else(|| {
            PolicyError::whole(
                path_or_name,
                "no policy of this name",
                format!("put {path_or_name}.toml {}", places(search)),
            )
        })?
    };
    Policy::from_source(Source::read(&path)?, search)
}

fn places(search: &SearchPath) -> String {
    let names: Vec<_> = search.directories.iter().map(|place| place.display().to_string()).collect();
    format!("into {}", names.join(" or "))
}

impl Policy {
    /// A policy from text at hand.
    ///
    /// Policies that it extends are looked for in the policy directories, and in its own folder only where the
    /// source has a path: text sent by another user must not lead the daemon to files.
    ///
    /// # Errors
    /// Where the text, or one that it extends, is no policy.
    pub fn from_source(source: Source, search: &SearchPath) -> Result<Self, PolicyError> {
        let mut loader = Loader { search, documents: Vec::new(), open: Vec::new() };
        loader.add(source)?;
        let (name, description) = loader
            .documents
            .last()
            .map(|last| (last.name.clone(), last.document.description.clone()))
            .unwrap_or_default();
        Ok(Self { name, description, documents: loader.documents, places: Places::default() })
    }
}

struct Loader<'a> {
    search: &'a SearchPath,
    documents: Vec<Loaded>,
    /// The chain of documents being read, outermost first: real path and name shown.
    open: Vec<(Option<PathBuf>, String)>,
}

impl Loader<'_> {
    fn add(&mut self, source: Source) -> Result<(), PolicyError> {
        let document = Document::parse(&source)?;
        let name = own_name(&source, &document)?;
        self.open.push((source.path.as_deref().map(real), source.name.clone()));
        if let Some(list) = &document.extends {
            if list.get_ref().is_empty() {
                return Err(source.error(
                    list.span(),
                    "`extends` is an empty list",
                    "name a policy, or leave it out",
                ));
            }
            for parent in list.get_ref() {
                self.extend(&source, parent)?;
            }
        }
        self.open.pop();
        if let Some(other) = self.documents.iter().find(|other| other.name == name) {
            return Err(source.error(
                document.name.as_ref().map_or(0..0, toml::Spanned::span),
                format!("policy `{name}` extends another of the same name, {}", other.source.name),
                "give one of them another `name`",
            ));
        }
        self.documents.push(Loaded { name, source, document });
        Ok(())
    }

    fn extend(&mut self, source: &Source, parent: &toml::Spanned<String>) -> Result<(), PolicyError> {
        let name = parent.get_ref();
        // A policy directory may have folders, and those no others.
        let (folder, file) =
            name.split_once('/').map_or((None, name.as_str()), |(folder, file)| (Some(folder), file));
        if !is_name(file) || folder.is_some_and(|folder| !is_name(folder)) {
            return Err(source.error(
                parent.span(),
                format!("`{name}` is not the name of a policy"),
                "write the file's name without `.toml`, as `base` or `tools/git`",
            ));
        }
        let path = self.search.find(name, source.path.as_deref()).ok_or_else(|| {
            let help = format!("put {name}.toml into this file's folder or {}", places(self.search));
            source.error(parent.span(), format!("policy `{name}` is not found"), help)
        })?;
        let real_path = Some(real(&path));
        if let Some(at) = self.open.iter().position(|(open, _)| *open == real_path) {
            let mut circle: Vec<_> = self.open[at..].iter().map(|(_, shown)| shown.clone()).collect();
            circle.push(path.display().to_string());
            let problem = format!("`extends` goes in a circle: {}", circle.join(" → "));
            return Err(source.error(parent.span(), problem, "take one link out of the circle"));
        }
        if self.documents.iter().any(|known| known.source.path.as_deref().map(real) == real_path) {
            return Ok(());
        }
        if self.documents.len() + self.open.len() >= DOCUMENTS {
            let problem = format!("more than {DOCUMENTS} policies come together");
            return Err(source.error(parent.span(), problem, "merge some of them"));
        }
        self.add(Source::read(&path)?)
    }
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn is_name(name: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(fine)
}

fn own_name(source: &Source, document: &Document) -> Result<String, PolicyError> {
    if let Some(name) = &document.name {
        if is_name(name.get_ref()) {
            return Ok(name.get_ref().clone());
        }
        let problem = format!("`{}` can't be the name of a policy", name.get_ref());
        return Err(source.error(name.span(), problem, "use letters, digits, `-`, `_` and `.`"));
    }
    // Text that came over the control socket is called what its sender called the file.
    let path = source.path.as_deref().unwrap_or(Path::new(&source.name));
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    if is_name(&name) {
        return Ok(name);
    }
    Err(source.error(0..0, "the policy has no name", "add `name = \"…\"`"))
}

/// Whether this can be a policy's name: part of `<dir>/<name>.toml`, and no way out of `<dir>`.
#[must_use]
pub fn is_policy_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && !name.starts_with(['.', '-'])
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, SearchPath) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let search = SearchPath { directories: vec![folder.path().to_owned()] };
        (folder, search)
    }

    #[test]
    fn parents_come_first_and_once() {
        let (_folder, search) = folder(&[
            ("top.toml", "version = 1\nextends = ['left', 'right']\n"),
            ("left.toml", "version = 1\nextends = ['root']\n"),
            ("right.toml", "version = 1\nextends = ['root']\n"),
            ("root.toml", "version = 1\n"),
        ]);
        let policy = load("top", &search).unwrap();
        let names: Vec<_> = policy.documents.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["root", "left", "right", "top"]);
        assert_eq!(policy.name, "top");
    }

    #[test]
    fn a_circle_is_named_whole() {
        let (_folder, search) = folder(&[
            ("a.toml", "version = 1\nextends = ['b']\n"),
            ("b.toml", "version = 1\nextends = ['a']\n"),
        ]);
        let error = load("a", &search).expect_err("a circle");
        assert_eq!(error.problem.matches(" → ").count(), 2, "{error}");
        assert_eq!((error.line, error.column), (2, 12));
    }

    #[test]
    fn text_without_a_path_reads_no_neighbour() {
        let (folder, _) = folder(&[("base.toml", "version = 1\n")]);
        let nowhere = SearchPath { directories: Vec::new() };
        let text = "version = 1\nname = 'x'\nextends = ['base']\n".to_owned();
        assert!(Policy::from_source(Source::new("x", None, text.clone()), &nowhere).is_err());
        let neighbour = Source::new("x", Some(folder.path().join("x.toml")), text);
        assert!(Policy::from_source(neighbour, &nowhere).is_ok());
    }

    #[test]
    fn names_are_names() {
        let (_folder, search) = folder(&[
            ("a.toml", "version = 1\nextends = ['../b']\n"),
            ("b.toml", "version = 1\nname = 'x/y'\n"),
            ("c.toml", "version = 1\nname = 'd'\nextends = ['d']\n"),
            ("d.toml", "version = 1\n"),
            ("e.toml", "version = 1\nextends = []\n"),
        ]);
        for (name, part) in
            [("a", "not the name"), ("b", "can't be"), ("c", "same name"), ("e", "empty"), ("f", "no policy")]
        {
            let error = load(name, &search).expect_err(name);
            assert!(error.problem.contains(part), "{error}");
        }
    }
}
