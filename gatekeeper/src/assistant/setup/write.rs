//! Reading and writing a file that somebody else's program reads.
//!
//! Root may write in a folder of a user's, who can change it meanwhile. So root goes from folder to folder by descriptors
//! (`openat2` with `RESOLVE_BENEATH` and `RESOLVE_NO_SYMLINKS`) and follows no link; owner and mode stay.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, ResolveFlags, Stat, Uid, fchmod, fchown, fstat, fsync, mkdirat,
    openat2, renameat, statat, unlinkat,
};
use rustix::io::Errno;

use super::SetupError;
use crate::sys::process::effective_uid;

/// Mode of a file that was not there.
const MODE: u32 = 0o644;
/// Mode of a folder that was not there.
const FOLDER_MODE: u32 = 0o755;

fn at<E: Into<io::Error>>(path: &Path) -> impl FnOnce(E) -> SetupError {
    let path = path.to_owned();
    move |source| SetupError::Io { path, source: source.into() }
}

/// A file's folder, open, and the file's name in it.
struct Spot {
    path: PathBuf,
    folder: OwnedFd,
    name: OsString,
}

/// Returns the text of the file at `path` below the folder `base`; `None` where there is no file.
///
/// # Errors
/// Where the file is there and can't be read or is no regular file, or a link is on the way and root would follow it.
pub fn read(base: &Path, path: &Path) -> Result<Option<String>, SetupError> {
    let Some(spot) = Spot::find(base, path, false)? else { return Ok(None) };
    if spot.stat()?.is_none() {
        return Ok(None);
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file =
        openat2(&spot.folder, &spot.name, flags, Mode::empty(), ResolveFlags::BENEATH).map_err(at(path))?;
    must_be_file(path, &fstat(&file).map_err(at(path))?)?;
    let mut text = String::new();
    File::from(file).read_to_string(&mut text).map_err(at(path))?;
    Ok(Some(text))
}

/// Writes the file at `path` below the folder `base`, or removes it. A new file and new folders are the folder owner's.
///
/// # Errors
/// Where the file can't be written or removed, is no regular file, or a link is on the way and root would follow it.
pub fn write(base: &Path, path: &Path, text: Option<&str>) -> Result<(), SetupError> {
    let Some(spot) = Spot::find(base, path, text.is_some())? else { return Ok(()) };
    let before = spot.stat()?;
    let Some(text) = text else {
        return unlinkat(&spot.folder, &spot.name, AtFlags::empty()).map_err(at(&spot.path));
    };
    let (owner, mode) = match before {
        Some(stat) => ((stat.st_uid, stat.st_gid), stat.st_mode & 0o777),
        None => (owner_of(&spot.folder).map_err(at(&spot.path))?, MODE),
    };
    let draft = format!(".gatekeeper-{}", std::process::id());
    let written = draft_of(&spot, &draft, text, owner, mode)
        .and_then(|()| Ok(renameat(&spot.folder, &draft, &spot.folder, &spot.name)?));
    if written.is_err() {
        // The first error is the one returned; the draft may not even be there.
        let _ = unlinkat(&spot.folder, &draft, AtFlags::empty());
    }
    written.and_then(|()| Ok(fsync(&spot.folder)?)).map_err(at(&spot.path))
}

fn draft_of(spot: &Spot, draft: &str, text: &str, owner: (u32, u32), mode: u32) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file =
        File::from(openat2(&spot.folder, draft, flags, Mode::from_raw_mode(0o600), ResolveFlags::BENEATH)?);
    file.write_all(text.as_bytes())?;
    give(&file, owner)?;
    fchmod(&file, Mode::from_raw_mode(mode))?;
    file.sync_all()
}

impl Spot {
    /// Opens the file's folder; `None` where it is not there and is not to be made.
    fn find(base: &Path, path: &Path, make: bool) -> Result<Option<Self>, SetupError> {
        if effective_uid() == 0 { Self::beneath(base, path, make) } else { Self::own(path, make) }
    }

    /// Goes from folder to folder below `base`, through no link.
    fn beneath(base: &Path, path: &Path, make: bool) -> Result<Option<Self>, SetupError> {
        let outside = || at(path)(io::Error::from(io::ErrorKind::InvalidInput));
        if make {
            fs::create_dir_all(base).map_err(at(base))?;
        }
        let mut folder = match File::open(base) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => OwnedFd::from(opened.map_err(at(base))?),
        };
        let mut reached = base.to_owned();
        let below = path.strip_prefix(base).map_err(|_| outside())?;
        for name in below.parent().into_iter().flat_map(Path::iter) {
            reached.push(name);
            let open = |folder: &OwnedFd| {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
                openat2(folder, name, flags, Mode::empty(), resolve)
            };
            folder = match open(&folder) {
                Err(Errno::NOENT) if !make => return Ok(None),
                Err(Errno::NOENT) => {
                    mkdirat(&folder, name, Mode::from_raw_mode(FOLDER_MODE)).map_err(at(&reached))?;
                    let inner = open(&folder).map_err(at(&reached))?;
                    owner_of(&folder).and_then(|owner| give(&inner, owner)).map_err(at(&reached))?;
                    inner
                }
                Err(Errno::LOOP) => return Err(SetupError::Link(reached)),
                opened => opened.map_err(at(&reached))?,
            };
        }
        let name = below.file_name().ok_or_else(outside)?.to_owned();
        Ok(Some(Self { path: path.to_owned(), folder, name }))
    }

    /// Follows the caller's own links: many keep their settings elsewhere and link to them.
    fn own(path: &Path, make: bool) -> Result<Option<Self>, SetupError> {
        let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
        let real = if is_link { path.canonicalize().map_err(at(path))? } else { path.to_owned() };
        let folder = real.parent().unwrap_or(Path::new("/"));
        if make {
            fs::create_dir_all(folder).map_err(at(folder))?;
        }
        let folder = match File::open(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => OwnedFd::from(opened.map_err(at(folder))?),
        };
        let name = real.file_name().unwrap_or_default().to_owned();
        Ok(Some(Self { path: real, folder, name }))
    }

    /// The file as it is; `None` where there is none.
    fn stat(&self) -> Result<Option<Stat>, SetupError> {
        let stat = match statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(None),
            found => found.map_err(at(&self.path))?,
        };
        must_be_file(&self.path, &stat).map(|()| Some(stat))
    }
}

fn must_be_file(path: &Path, stat: &Stat) -> Result<(), SetupError> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(()),
        FileType::Symlink => Err(SetupError::Link(path.to_owned())),
        _ => Err(SetupError::NoFile(path.to_owned())),
    }
}

fn owner_of(folder: impl AsFd) -> io::Result<(u32, u32)> {
    let stat = fstat(folder)?;
    Ok((stat.st_uid, stat.st_gid))
}

/// Gives a file or folder to its owner, where it is another's.
fn give(file: impl AsFd, owner: (u32, u32)) -> io::Result<()> {
    if owner_of(&file)? == owner {
        return Ok(());
    }
    let (uid, gid) = owner;
    Ok(fchown(file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?)
}
