//! Records on disk: JSON Lines, in files of bounded size and number.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use super::record::Record;

/// The files. `current.jsonl` is the latest, then `1.jsonl`, `2.jsonl` and so on into the past.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
    file_bytes: u64,
    files: u32,
    current: File,
    size: u64,
}

impl Store {
    /// Opens the store in a directory that exists, to go on at its end.
    pub fn open(directory: PathBuf, file_bytes: u64, files: u32) -> io::Result<Self> {
        let (current, size) = open_current(&directory)?;
        Ok(Self { directory, file_bytes, files, current, size })
    }

    /// Writes records down. On an error none, or only the first of them, are there.
    pub fn append<'a>(&mut self, records: impl IntoIterator<Item = &'a Record>) -> io::Result<()> {
        let mut lines = Vec::new();
        for record in records {
            serde_json::to_writer(&mut lines, record)?;
            lines.push(b'\n');
        }
        if self.size > 0 && self.size + lines.len() as u64 > self.file_bytes {
            self.rotate()?;
        }
        self.current.write_all(&lines)?;
        self.size += lines.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        for number in (1..self.files.saturating_sub(1)).rev() {
            match fs::rename(self.numbered(number), self.numbered(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(self.directory.join("current.jsonl"), self.numbered(1))?;
        (self.current, self.size) = open_current(&self.directory)?;
        Ok(())
    }

    fn numbered(&self, number: u32) -> PathBuf {
        self.directory.join(format!("{number}.jsonl"))
    }

    /// Hands on the records of the last two files, oldest first. A line that is cut short (the machine
    /// stopped while it was written) is left out.
    pub fn recent(&self, mut each: impl FnMut(Record)) -> io::Result<()> {
        for path in [self.numbered(1), self.directory.join("current.jsonl")] {
            let file = match File::open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            for line in BufReader::new(file).split(b'\n') {
                if let Ok(record) = serde_json::from_slice(&line?) {
                    each(record);
                }
            }
        }
        Ok(())
    }
}

fn open_current(directory: &std::path::Path) -> io::Result<(File, u64)> {
    let path = directory.join("current.jsonl");
    let mut file = OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(&path)?;
    let mut size = file.metadata()?.len();
    if size > 0 && !ends_with_newline(&file, size)? {
        file.write_all(b"\n")?;
        size += 1;
    }
    Ok((file, size))
}

/// A line cut short must not swallow the next one.
fn ends_with_newline(file: &File, size: u64) -> io::Result<bool> {
    use std::os::unix::fs::FileExt;
    let mut last = [0];
    file.read_exact_at(&mut last, size - 1)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missed(count: u64) -> Record {
        Record::Missed { count }
    }

    fn recent(store: &Store) -> Vec<Record> {
        let mut found = Vec::new();
        store.recent(|record| found.push(record)).unwrap();
        found
    }

    #[test]
    fn files_are_bounded_in_size_and_number() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = Store::open(directory.path().into(), 100, 3).unwrap();
        for count in 0..50 {
            store.append([&missed(count)]).unwrap();
        }
        let mut names: Vec<_> = fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["1.jsonl", "2.jsonl", "current.jsonl"]);
        for name in names {
            assert!(fs::metadata(directory.path().join(name)).unwrap().len() <= 100);
        }
        assert_eq!(recent(&store).last(), Some(&missed(49)));
    }

    #[test]
    fn a_line_cut_short_costs_only_itself() {
        let directory = tempfile::tempdir().unwrap();
        let open = || Store::open(directory.path().into(), 1000, 3).unwrap();
        open().append([&missed(1)]).unwrap();
        let path = directory.path().join("current.jsonl");
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend_from_slice(b"{\"type\":\"mis");
        fs::write(&path, bytes).unwrap();
        let mut store = open();
        store.append([&missed(2)]).unwrap();
        assert_eq!(recent(&store), [missed(1), missed(2)]);
    }
}
