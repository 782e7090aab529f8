//! Symbolic links in the literal prefix of a pattern, followed once, when the session opens.
//!
//! The kernel judges real paths, and people write `/bin/sh`. Every place the link chain passes through
//! is kept, because removing or renaming a link is judged at the link's own place.
//!
//! A rule that lets something pass follows only links that root owns and that don't lie where sessions
//! write: otherwise a session, root's own too, could leave a link behind that widens the next one.

use std::cell::{OnceCell, RefCell};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustc_hash::FxHashMap;

use crate::pattern::Pattern;
use crate::programs::{FOLDERS, Programs};
use crate::vars::Vars;

/// Links followed for one path, as the kernel's own `MAXSYMLINKS` (include/linux/namei.h).
const HOPS: usize = 40;

/// The kind of file at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Nothing, or nothing that can be seen: what lies below can't be a link either.
    Missing,
    /// Something that is no symbolic link.
    Plain,
    /// A symbolic link.
    Link {
        /// Its target, as stored.
        target: Vec<u8>,
        /// Whether no session can have made it.
        trusted: bool,
    },
}

/// A tree in which links can be looked up; the machine's, or a made-up one.
pub trait Links {
    /// The kind of file at this absolute path.
    fn entry(&self, path: &[u8]) -> Entry;

    /// The other real paths of the program at this path: hard links in the usual folders.
    fn hard_links(&self, _path: &[u8]) -> Vec<Vec<u8>> {
        Vec::new()
    }
}

/// A tree without links: patterns stay as written.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLinks;

impl Links for NoLinks {
    fn entry(&self, _path: &[u8]) -> Entry {
        Entry::Missing
    }
}

/// This machine's tree, each path looked at once.
#[derive(Debug, Default)]
pub struct Disk {
    seen: RefCell<FxHashMap<Vec<u8>, Entry>>,
    programs: OnceCell<Programs>,
}

impl Links for Disk {
    fn entry(&self, path: &[u8]) -> Entry {
        // Links in /proc lead elsewhere for every task that follows them.
        if path.starts_with(b"/proc/") {
            return Entry::Missing;
        }
        let mut seen = self.seen.borrow_mut();
        if let Some(known) = seen.get(path) {
            return known.clone();
        }
        let entry = look(path);
        seen.insert(path.to_vec(), entry.clone());
        entry
    }

    fn hard_links(&self, path: &[u8]) -> Vec<Vec<u8>> {
        let path = Path::new(std::ffi::OsStr::from_bytes(path));
        let linked = path.symlink_metadata().is_ok_and(|about| about.is_file() && about.nlink() > 1);
        // Looking into all folders takes a while, and few programs have a second link.
        if !linked {
            return Vec::new();
        }
        self.programs.get_or_init(|| Programs::of(FOLDERS)).hard_links(path)
    }
}

fn look(path: &[u8]) -> Entry {
    let path = Path::new(std::ffi::OsStr::from_bytes(path));
    let Ok(about) = path.symlink_metadata() else { return Entry::Missing };
    if !about.is_symlink() {
        return Entry::Plain;
    }
    match path.read_link() {
        Ok(target) => Entry::Link { target: target.into_os_string().into_vec(), trusted: about.uid() == 0 },
        Err(_) => Entry::Missing,
    }
}

/// A tree in which links below some folders are nobody's to trust, whoever owns them.
pub struct Fenced<'a> {
    links: &'a dyn Links,
    folders: Vec<&'a [u8]>,
}

impl<'a> Fenced<'a> {
    /// The tree of a session with these variables: it writes in its workspace, home and folder for
    /// temporary files.
    #[must_use]
    pub fn new(links: &'a dyn Links, vars: &'a Vars) -> Self {
        let fences = vars.iter().filter(|(name, _)| ["workspace", "home", "tmp"].contains(name));
        // Empty is the root directory, and all links lie below that.
        Self {
            links,
            folders: fences.map(|(_, folder)| folder).filter(|folder| !folder.is_empty()).collect(),
        }
    }
}

impl Links for Fenced<'_> {
    fn entry(&self, path: &[u8]) -> Entry {
        let below = |folder: &&[u8]| path.strip_prefix(*folder).is_some_and(|rest| rest.starts_with(b"/"));
        match self.links.entry(path) {
            Entry::Link { target, trusted } => {
                Entry::Link { target, trusted: trusted && !self.folders.iter().any(below) }
            }
            entry => entry,
        }
    }

    fn hard_links(&self, path: &[u8]) -> Vec<Vec<u8>> {
        self.links.hard_links(path)
    }
}

/// Which links are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// Every one: for rules that forbid, and for questions.
    All,
    /// Those that no session can have made: for rules that let something pass.
    Trusted,
}

/// The patterns that name the same files as this one by their real paths; without the pattern itself.
#[must_use]
pub fn resolve(pattern: &Pattern, links: &dyn Links, follow: Follow) -> Vec<Pattern> {
    let (count, prefix) = pattern.prefix();
    let mut found = Vec::new();
    if prefix.is_empty() {
        return found;
    }
    for place in places(&prefix, links, follow) {
        if place != prefix {
            let variant = pattern.with_prefix(count, &place);
            if !found.contains(&variant) {
                found.push(variant);
            }
        }
    }
    found
}

/// The real path of a path. With `last` false, a link in the last component is not followed.
#[must_use]
pub fn real_path(path: &[u8], links: &dyn Links, last: bool) -> Vec<u8> {
    let places = places(path, links, Follow::All);
    let place = if last { places.last() } else { places.first() };
    match place.map(Vec::as_slice) {
        None => path.to_vec(),
        Some(b"") => b"/".to_vec(),
        Some(place) => place.to_vec(),
    }
}

/// The places at which the path's last component is met: those of links, then that of the file itself.
/// The root directory is the empty path.
fn places(path: &[u8], links: &dyn Links, follow: Follow) -> Vec<Vec<u8>> {
    let steps = |path: &[u8]| -> Vec<Vec<u8>> {
        path.rsplit(|byte| *byte == b'/').filter(|step| !step.is_empty()).map(<[u8]>::to_vec).collect()
    };
    let mut places = Vec::new();
    let mut pending = steps(path);
    let mut done: Vec<u8> = Vec::with_capacity(path.len());
    let (mut hops, mut missing) = (0, false);
    while let Some(name) = pending.pop() {
        let parent = done.len();
        match name.as_slice() {
            b"." => continue,
            b".." => {
                done.truncate(done.iter().rposition(|byte| *byte == b'/').unwrap_or(0));
                continue;
            }
            _ => {
                done.push(b'/');
                done.extend(name);
            }
        }
        if missing {
            continue;
        }
        match links.entry(&done) {
            Entry::Plain => {}
            Entry::Missing => missing = true,
            Entry::Link { target, trusted } => {
                if pending.is_empty() {
                    places.push(done.clone());
                }
                hops += 1;
                if hops > HOPS || (follow == Follow::Trusted && !trusted) {
                    return places;
                }
                done.truncate(if target.starts_with(b"/") { 0 } else { parent });
                pending.extend(steps(&target));
            }
        }
    }
    places.push(done);
    places
}

#[cfg(test)]
pub mod fake {
    //! A made-up tree of links.
    use super::*;

    /// A tree in which all these paths are one file.
    pub struct OneFile(pub &'static [&'static str]);

    impl Links for OneFile {
        fn entry(&self, _path: &[u8]) -> Entry {
            Entry::Plain
        }

        fn hard_links(&self, path: &[u8]) -> Vec<Vec<u8>> {
            let all = || self.0.iter().map(|known| known.as_bytes().to_vec());
            let others = all().filter(|known| known != path);
            if all().any(|known| known == path) { others.collect() } else { Vec::new() }
        }
    }

    /// Links by path; everything else is plain.
    pub struct Tree(pub Vec<(&'static str, &'static str, bool)>);

    impl Links for Tree {
        fn entry(&self, path: &[u8]) -> Entry {
            match self.0.iter().find(|(place, ..)| place.as_bytes() == path) {
                Some((_, target, trusted)) => {
                    Entry::Link { target: target.as_bytes().to_vec(), trusted: *trusted }
                }
                None => Entry::Plain,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str, tree: &fake::Tree, follow: Follow) -> Vec<String> {
        let pattern = Pattern::parse(text.as_bytes()).unwrap().remove(0);
        let found = resolve(&pattern, tree, follow);
        found.iter().map(|pattern| String::from_utf8(pattern.text()).unwrap()).collect()
    }

    fn debian() -> fake::Tree {
        fake::Tree(vec![
            ("/bin", "usr/bin", true),
            ("/usr/bin/sh", "dash", true),
            ("/usr/bin/cc", "/etc/alternatives/cc", true),
            ("/etc/alternatives/cc", "/usr/bin/gcc", true),
            ("/loop", "loop", true),
            ("/home/dev/ws/out", "../.ssh", false),
        ])
    }

    #[test]
    fn every_place_of_the_chain_is_kept() {
        assert_eq!(resolved("/bin/sh", &debian(), Follow::All), ["/usr/bin/sh", "/usr/bin/dash"]);
        assert_eq!(resolved("/usr/bin/cc", &debian(), Follow::All), ["/etc/alternatives/cc", "/usr/bin/gcc"]);
        assert_eq!(resolved("/bin/**", &debian(), Follow::All), ["/usr/bin/**"]);
        assert_eq!(resolved("/bin/py*", &debian(), Follow::All), ["/usr/bin/py*"]);
        assert!(resolved("/usr/bin/dash", &debian(), Follow::All).is_empty());
        assert!(resolved("**/bin/sh", &debian(), Follow::All).is_empty());
    }

    #[test]
    fn a_link_of_the_governed_widens_nothing() {
        assert!(resolved("/home/dev/ws/out/**", &debian(), Follow::Trusted).is_empty());
        assert_eq!(resolved("/home/dev/ws/out/**", &debian(), Follow::All), ["/home/dev/.ssh/**"]);
    }

    #[test]
    fn where_sessions_write_no_link_is_trusted() {
        let tree = fake::Tree(vec![("/home/dev/ws/out", "/etc", true), ("/home/dev", "/data/dev", true)]);
        let vars =
            Vars::new(Path::new("/home/dev/ws"), Path::new("/home/dev"), "root", 0, Path::new("/tmp"), "s");
        let fenced = Fenced::new(&tree, &vars);
        let trusted = |path: &[u8]| matches!(fenced.entry(path), Entry::Link { trusted: true, .. });
        assert!(!trusted(b"/home/dev/ws/out") && trusted(b"/home/dev"));
        assert_eq!(fenced.entry(b"/home/dev/ws"), Entry::Plain);
    }

    #[test]
    fn circles_end() {
        assert!(resolved("/loop/x", &debian(), Follow::All).is_empty());
        assert_eq!(real_path(b"/bin/sh", &debian(), true), b"/usr/bin/dash");
        assert_eq!(real_path(b"/bin/sh", &debian(), false), b"/usr/bin/sh");
        assert_eq!(real_path(b"/", &debian(), true), b"/");
        assert_eq!(real_path(b"/a/../b", &NoLinks, true), b"/b");
    }
}
