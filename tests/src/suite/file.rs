//! Files: opened, made, removed, renamed, linked, changed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::acts::Done;
use crate::events::Denial;
use crate::failure::must_not_pass;
use crate::fixtures::{self, CONTENT, OPEN, REASON, SHUT};
use crate::runner::Test;
use crate::world::{User, World};

/// An act and the check that it was done. Every path is below the folder of the case.
struct Case {
    name: &'static str,
    verb: &'static str,
    /// Paths below the case's folder, or where they begin with `/`, below `/srv/suite/open/file-<case>`.
    arguments: &'static [&'static str],
    operation: &'static str,
    /// The argument that the event names.
    object: usize,
    /// Whether the act has been done.
    done: fn(&str, &Done) -> bool,
}

const CASES: &[Case] = &[
    case("read", "read", &["file"], "read", 0, |_, done| holds(done)),
    case("read_by_a_kernel_worker", "open-by-worker", &["file"], "read", 0, |_, done| done.is_ok()),
    case("read_by_a_kernel_poller", "open-by-poller", &["file"], "read", 0, |_, done| done.is_ok()),
    case("list", "list", &[""], "read", 0, |_, done| done.as_ref().is_ok_and(|names| !names.is_empty())),
    case("write", "write", &["file", "=new"], "write", 0, |at, _| text(at, "file").starts_with("new")),
    case("append", "append", &["file", "=new"], "write", 0, |at, _| text(at, "file").ends_with("new")),
    case("open_truncating", "open-truncating", &["file"], "write", 0, |at, _| text(at, "file").is_empty()),
    case("read_truncating", "read-truncating", &["file"], "write", 0, |at, _| text(at, "file").is_empty()),
    case("truncate", "truncate", &["file"], "write", 0, |at, _| text(at, "file").is_empty()),
    case("create", "create", &["new", "=new"], "create", 0, |at, _| there(at, "new")),
    case("make_folder", "make-folder", &["new"], "create", 0, |at, _| there(at, "new")),
    case("make_fifo", "make-fifo", &["new"], "create", 0, |at, _| there(at, "new")),
    case("symlink", "symlink", &["=/etc/passwd", "new"], "create", 1, |at, _| there(at, "new")),
    case("delete", "delete", &["file"], "delete", 0, |at, _| !there(at, "file")),
    case("delete_folder", "delete-folder", &["folder"], "delete", 0, |at, _| !there(at, "folder")),
    case("rename", "rename", &["file", "new"], "rename", 0, |at, _| !there(at, "file")),
    case("rename_away", "rename", &["file", "/away"], "rename", 0, |at, _| !there(at, "file")),
    case("rename_into", "rename", &["/mine", "new"], "rename", 1, |at, _| there(at, "new")),
    case("rename_over", "rename", &["/mine", "file"], "rename", 1, |at, _| text(at, "file") == "mine"),
    case("link_away", "link", &["file", "/away"], "link", 0, |at, _| links(at, "file") == 2),
    case("link_into", "link", &["/mine", "new"], "link", 1, |at, _| there(at, "new")),
    case("chmod", "chmod", &["file"], "metadata", 0, |at, _| mode(at, "file") == 0o600),
    case("touch", "touch", &["file"], "metadata", 0, |at, _| time(at, "file") == 1),
    case("set_attribute", "set-attribute", &["file", "=new"], "metadata", 0, |_, done| done.is_ok()),
    case("remove_attribute", "remove-attribute", &["kept"], "metadata", 0, |_, done| done.is_ok()),
    case("read_attribute", "read-attribute", &["kept"], "read", 0, |_, done| holds(done)),
    case("read_link", "read-link", &["pointer"], "read", 0, |_, done| holds(done)),
    case("watch", "watch", &["file"], "read", 0, |_, done| done.is_ok()),
    case("watch_folder", "watch", &["folder"], "read", 0, |_, done| done.is_ok()),
    case("chown", "chown", &["file"], "metadata", 0, |_, done| done.is_ok()),
];

const fn case(
    name: &'static str,
    verb: &'static str,
    arguments: &'static [&'static str],
    operation: &'static str,
    object: usize,
    done: fn(&str, &Done) -> bool,
) -> Case {
    Case { name, verb, arguments, operation, object, done }
}

fn holds(done: &Done) -> bool {
    done.as_ref().is_ok_and(|content| content == CONTENT.as_bytes())
}

fn text(at: &str, name: &str) -> String {
    fs::read_to_string(Path::new(at).join(name)).unwrap_or_else(|error| error.to_string())
}

fn there(at: &str, name: &str) -> bool {
    fs::symlink_metadata(Path::new(at).join(name)).is_ok()
}

fn links(at: &str, name: &str) -> u64 {
    fs::metadata(Path::new(at).join(name)).map_or(0, |found| found.nlink())
}

fn time(at: &str, name: &str) -> i64 {
    fs::metadata(Path::new(at).join(name)).map_or(0, |found| found.mtime())
}

fn mode(at: &str, name: &str) -> u32 {
    fs::metadata(Path::new(at).join(name)).map_or(0, |found| found.mode() & 0o777)
}

pub fn tests() -> Vec<Test> {
    CASES.iter().map(|case| Test::new(format!("file::{}", case.name), |world| case.run(world))).collect()
}

impl Case {
    fn run(&self, world: &World) -> Result<()> {
        let side = format!("{OPEN}/file-{}-side", self.name);
        let (open, shut) = (format!("{OPEN}/file-{}", self.name), format!("{SHUT}/file-{}", self.name));

        self.prepare(&shut, &side)?;
        let mut free = world.free(User::Dev)?;
        let done = free.act(self.verb, &self.arguments(&shut, &side))?;
        ensure!(done.is_ok() && (self.done)(&shut, &done), "outside any session it came to {done:?}");

        let mut session = world.session("suite")?;
        self.prepare(&open, &side)?;
        let done = session.act(self.verb, &self.arguments(&open, &side))?;
        ensure!(done.is_ok() && (self.done)(&open, &done), "where it is allowed it came to {done:?}");

        self.prepare(&shut, &side)?;
        let before = self.picture(&shut, &side)?;
        let done = session.act(self.verb, &self.arguments(&shut, &side))?;
        ensure!(done == Err(libc::EPERM), "where it is denied it came to {done:?}");
        must_not_pass(!(self.done)(&shut, &done), "it was refused, and done all the same")?;
        ensure!(self.picture(&shut, &side)? == before, "it was refused, and changed something");
        let object = self.arguments(&shut, &side).swap_remove(self.object);
        let object = object.trim_end_matches('/').to_owned();
        let denial = [Denial::of(self.operation, object, REASON)];
        world.expect(&session.id, &denial)?;
        world.expect_no_other(&session.id, &denial)
    }

    fn prepare(&self, at: &str, side: &str) -> Result<()> {
        fixtures::folder(at)?;
        fixtures::folder(side)?;
        fixtures::file(&format!("{at}/file"))?;
        fixtures::file_with(&format!("{side}/mine"), b"mine")?;
        let kept = format!("{at}/kept");
        fixtures::file(&kept)?;
        fixtures::describe(&kept, CONTENT)?;
        std::os::unix::fs::symlink(CONTENT, format!("{at}/pointer")).context("making a link")?;
        fixtures::folder(&format!("{at}/folder"))
    }

    fn arguments(&self, at: &str, side: &str) -> Vec<String> {
        let spell = |word: &&str| match word.split_at_checked(1) {
            Some(("=", literal)) => literal.to_owned(),
            Some(("/", name)) => format!("{side}/{name}"),
            _ => format!("{at}/{word}"),
        };
        self.arguments.iter().map(spell).collect()
    }

    /// All that could have changed.
    fn picture(&self, at: &str, side: &str) -> Result<Vec<String>> {
        let mut picture = Vec::new();
        for folder in [at, side] {
            for entry in fs::read_dir(folder).with_context(|| format!("listing {folder}"))? {
                let entry = entry?;
                let about = entry.metadata()?;
                let content = if about.is_file() { fs::read(entry.path())? } else { Vec::new() };
                let name = entry.path().display().to_string();
                let (mode, links, time) = (about.mode(), about.nlink(), about.mtime());
                picture.push(format!("{name} {mode:o} {links} {time} {content:?}"));
            }
        }
        picture.sort();
        Ok(picture)
    }
}
