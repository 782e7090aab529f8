//! The table: made from the segments, caught up with them, and compared with them.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::fs;
use std::io;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::row::{self, Row};
use crate::log::folder::{INDEX, Lines, Segment, segments};
use crate::log::merkle::leaf;
use crate::ocsf::Line;

/// A fault of the index.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The trail can't be read.
    #[error("the trail: {0}")]
    Io(#[from] io::Error),
    /// The table can't be asked.
    #[error("the index: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A record can't be read.
    #[error("record {0} can't be read: `gatekeeper audit verify` says what was done to it")]
    Record(u64),
    /// There is no such record.
    #[error("there is no record {0}")]
    NoRecord(u64),
}

/// The version of the table, and how it is made.
const VERSION: i64 = 4;
const SCHEMA: &str = "
    CREATE TABLE record (
        id INTEGER PRIMARY KEY, time INTEGER NOT NULL, kind TEXT NOT NULL, session TEXT, owner INTEGER,
        assistant TEXT, policy TEXT, rule TEXT, verdict TEXT, passed INTEGER, operation TEXT, path TEXT,
        address TEXT, program TEXT, hold INTEGER, decision TEXT, decided_by TEXT, message TEXT NOT NULL, hash BLOB NOT NULL
    );
    CREATE INDEX by_session ON record (session, id);
    CREATE INDEX by_time ON record (time);
    CREATE INDEX by_verdict ON record (verdict, passed);
    CREATE INDEX by_path ON record (path);
";

/// The table, up to date with the trail.
#[derive(Debug)]
pub struct Index {
    pub(super) table: Connection,
    folder: std::path::PathBuf,
}

impl Index {
    /// Opens the index of a trail and takes in what is new. Where the folder can't be written to, or somebody
    /// else has long been writing the index, it is made in memory.
    ///
    /// # Errors
    /// Where the trail can't be read, or no table can be made.
    pub fn open(folder: &Path) -> Result<Self, IndexError> {
        let path = folder.join(INDEX);
        let opened = Self::with(folder, || Connection::open(&path));
        match opened {
            Err(IndexError::Sqlite(error)) if is_not_ours_to_write(&error) => {
                Self::with(folder, Connection::open_in_memory)
            }
            // It is damaged, or another version's.
            Err(IndexError::Sqlite(_)) => {
                for ending in ["", "-journal", "-wal", "-shm"] {
                    let path = folder.join(format!("{INDEX}{ending}"));
                    match fs::remove_file(path) {
                        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                        _ => {}
                    }
                }
                Self::with(folder, || Connection::open(&path))
            }
            opened => opened,
        }
    }

    fn with(
        folder: &Path,
        connect: impl FnOnce() -> rusqlite::Result<Connection>,
    ) -> Result<Self, IndexError> {
        let table = connect()?;
        let version: i64 = table.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version != VERSION {
            let old = "DROP TABLE IF EXISTS record;";
            table
                .execute_batch(&format!("BEGIN; {old} {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;"))?;
        }
        let mut index = Self { table, folder: folder.to_owned() };
        index.catch_up()?;
        Ok(index)
    }

    fn catch_up(&mut self) -> Result<(), IndexError> {
        let all = segments(&self.folder)?;
        let first = all.first().map_or(0, |segment| segment.first);
        // Two that search at once take in what is new one after the other.
        let write = self.table.transaction_with_behavior(TransactionBehavior::Immediate)?;
        write.execute("DELETE FROM record WHERE id < ?1", [first.cast_signed()])?;
        let last = write.query_row("SELECT id, hash FROM record ORDER BY id DESC LIMIT 1", [], |row| {
            Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get::<_, Vec<u8>>(1)?))
        });
        let mut next = first;
        if let Some((id, hash)) = last.optional()? {
            let rows: i64 = write.query_row("SELECT count(*) FROM record", [], |row| row.get(0))?;
            // A row before the last one is never filled in again: with one missing, none can be trusted.
            let all_there =
                id.checked_sub(first).and_then(|count| count.checked_add(1)) == Some(rows.cast_unsigned());
            let same = line_of(&self.folder, &all, id)?.is_some_and(|line| leaf(&line).0.as_slice() == hash);
            if all_there && same {
                next = id.saturating_add(1);
            } else {
                // Rows were taken out, or it was made from another trail.
                write.execute("DELETE FROM record", [])?;
            }
        }
        let from = all.iter().rposition(|segment| segment.first <= next).unwrap_or(0);
        let mut insert = write.prepare(row::INSERT)?;
        for segment in all.iter().skip(from) {
            let mut number = segment.first;
            let (mut lines, mut bytes) = (segment.read(&self.folder)?, Vec::new());
            while let Some(whole) = lines.next(&mut bytes)? {
                if !whole.0 {
                    // It is being written.
                    break;
                }
                if number >= next {
                    let line = serde_json::from_slice(&bytes).map_err(|_| IndexError::Record(number))?;
                    let row = Row::of(&line, &leaf(&bytes)).ok_or(IndexError::Record(number))?;
                    row.insert(&mut insert)?;
                }
                number = number.saturating_add(1);
            }
        }
        drop(insert);
        write.commit()?;
        Ok(())
    }

    /// The records with these numbers, in their order; each as its line and read.
    ///
    /// # Errors
    /// Where there is no such record, or it can't be read.
    pub fn lines(&self, ids: &[u64]) -> Result<Vec<(String, Line<'static>)>, IndexError> {
        let all = segments(&self.folder)?;
        let mut found = Vec::with_capacity(ids.len());
        let mut open: Option<(Segment, Lines, u64)> = None;
        let mut bytes = Vec::new();
        for &id in ids {
            let segment = all.iter().rfind(|segment| segment.first <= id).ok_or(IndexError::NoRecord(id))?;
            let (_, lines, at) = match &mut open {
                Some(open) if open.0 == *segment && open.2 <= id => open,
                _ => open.insert((segment.clone(), segment.read(&self.folder)?, segment.first)),
            };
            while *at <= id {
                lines.next(&mut bytes)?.ok_or(IndexError::NoRecord(id))?;
                *at = at.saturating_add(1);
            }
            let text = String::from_utf8(bytes.clone()).map_err(|_| IndexError::Record(id))?;
            let line = serde_json::from_str(&text).map_err(|_| IndexError::Record(id))?;
            found.push((text, line));
        }
        Ok(found)
    }
}

fn line_of(folder: &Path, all: &[Segment], id: u64) -> io::Result<Option<Vec<u8>>> {
    let Some(segment) = all.iter().rfind(|segment| segment.first <= id) else { return Ok(None) };
    let (mut lines, mut bytes) = (segment.read(folder)?, Vec::new());
    for _ in segment.first..=id {
        if lines.next(&mut bytes)?.is_none() {
            return Ok(None);
        }
    }
    Ok(Some(bytes))
}

fn is_not_ours_to_write(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, DatabaseBusy, DatabaseLocked, PermissionDenied, ReadOnly};
    let code = error.sqlite_error_code();
    matches!(code, Some(CannotOpen | DatabaseBusy | DatabaseLocked | PermissionDenied | ReadOnly))
}

/// Returns the first fault of an index: a row that says something else than its record, or the first record
/// that has none; where there is no index, nothing.
///
/// # Errors
/// Where the table of comparison can't be made. Faults of the given one are the result.
pub fn first_false_row(folder: &Path) -> Result<Option<String>, IndexError> {
    let path = folder.join(INDEX);
    if !path.exists() {
        return Ok(None);
    }
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let checked = Connection::open_with_flags(&path, flags).and_then(|table| {
        let version: i64 = table.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version != VERSION {
            // Another release's: nobody asks it, and whoever asks makes it anew.
            return Ok(None);
        }
        let whole: String = table.pragma_query_value(None, "integrity_check", |row| row.get(0))?;
        if whole != "ok" {
            return Ok(Some(format!("is damaged: {whole}")));
        }
        // What is added from here on is not looked at: the trail may be read before it is.
        let last: Option<i64> = table.query_row("SELECT max(id) FROM record", [], |row| row.get(0))?;
        let Some(last) = last else { return Ok(None) };
        let true_table = Connection::open_in_memory()?;
        true_table.execute_batch(SCHEMA)?;
        drop(table);
        compare(folder, &path, true_table, last)
    });
    match checked {
        Ok(found) => Ok(found),
        Err(error) => Ok(Some(format!("can't be read: {error}"))),
    }
}

/// Compares a given index up to its last row with one made anew. Rows of records that retention removed are
/// no lie: whoever asks the index next removes them first.
fn compare(folder: &Path, given: &Path, table: Connection, last: i64) -> rusqlite::Result<Option<String>> {
    let mut index = Index { table, folder: folder.to_owned() };
    if index.catch_up().is_err() {
        // A record can't be read: that is found elsewhere.
        return Ok(None);
    }
    let table = index.table;
    // Attached no sooner: catching up would keep it from being written to.
    table.execute("ATTACH ?1 AS given", params![given.to_string_lossy()])?;
    let ask = |sql: &str| table.query_row(sql, [last], |row| row.get::<_, i64>(0)).optional();
    let rows = ask("SELECT id FROM (SELECT * FROM given.record EXCEPT SELECT * FROM main.record)
        WHERE id BETWEEN (SELECT coalesce(min(id), 0) FROM main.record) AND ?1 ORDER BY id LIMIT 1")?;
    let missing =
        ask("SELECT id FROM main.record WHERE id <= ?1 AND id NOT IN (SELECT id FROM given.record)
        ORDER BY id LIMIT 1")?;
    Ok(rows
        .map(|id| format!("says something else than record {id}: remove it, it is made anew"))
        .or(missing.map(|id| format!("leaves record {id} out: remove it, it is made anew"))))
}
