//! Records as a Parquet table: what one asks for as columns, the whole record in the last.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::row::Row;
use crate::log::merkle::Hash;
use crate::ocsf::Line;

/// The columns, in the order in which [`Table::write`] fills them.
const SCHEMA: &str = "message records {
    REQUIRED INT64 record;
    REQUIRED INT64 time (TIMESTAMP(MICROS,true));
    REQUIRED BYTE_ARRAY kind (STRING);
    OPTIONAL BYTE_ARRAY session (STRING);
    OPTIONAL INT64 owner;
    OPTIONAL BYTE_ARRAY assistant (STRING);
    OPTIONAL BYTE_ARRAY policy (STRING);
    OPTIONAL BYTE_ARRAY rule (STRING);
    OPTIONAL BYTE_ARRAY verdict (STRING);
    OPTIONAL BOOLEAN passed;
    OPTIONAL BYTE_ARRAY operation (STRING);
    OPTIONAL BYTE_ARRAY path (STRING);
    OPTIONAL BYTE_ARRAY address (STRING);
    OPTIONAL BYTE_ARRAY program (STRING);
    OPTIONAL INT64 hold;
    OPTIONAL BYTE_ARRAY decision (STRING);
    OPTIONAL BYTE_ARRAY decided_by (STRING);
    OPTIONAL BYTE_ARRAY cause (STRING);
    OPTIONAL BYTE_ARRAY reason (STRING);
    REQUIRED INT64 severity;
    REQUIRED BYTE_ARRAY ocsf (STRING);
}";

/// A value of a column.
enum Cell<'a> {
    Number(Option<i64>),
    Text(Option<&'a str>),
    Truth(Option<bool>),
}

/// A table being written.
pub struct Table<W: Write + Send> {
    writer: SerializedFileWriter<W>,
}

impl<W: Write + Send> std::fmt::Debug for Table<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").finish_non_exhaustive()
    }
}

impl<W: Write + Send> Table<W> {
    /// Begins one.
    ///
    /// # Errors
    /// Where the head can't be written.
    pub fn begin(target: W) -> Result<Self> {
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        Ok(Self { writer: SerializedFileWriter::new(target, schema, Arc::new(properties))? })
    }

    /// Writes records, in their order.
    ///
    /// # Errors
    /// Where they can't be written, or one is of another version.
    pub fn write<'a>(&mut self, records: impl Iterator<Item = (&'a str, &'a Line<'a>)>) -> Result<()> {
        let mut rows = Vec::new();
        for (text, line) in records {
            let none =
                || ParquetError::General(format!("record {} is of another version", line.metadata.sequence));
            // The hash is the index's affair.
            rows.push((Row::of(line, &Hash([0; 32])).ok_or_else(none)?, text, line));
        }
        let cells: Vec<_> = rows.iter().map(|(row, text, line)| cells(row, text, line)).collect();
        let mut group = self.writer.next_row_group()?;
        let mut at = 0;
        while let Some(mut column) = group.next_column()? {
            fill(column.untyped(), cells.iter().filter_map(|row| row.get(at)))?;
            column.close()?;
            at += 1;
        }
        group.close().map(drop)
    }

    /// Ends it.
    ///
    /// # Errors
    /// Where the end can't be written.
    pub fn finish(self) -> Result<()> {
        self.writer.close().map(drop)
    }
}

/// A record's values, by column.
fn cells<'a>(row: &'a Row, text: &'a str, line: &'a Line<'_>) -> Vec<Cell<'a>> {
    use Cell::{Number, Text, Truth};
    vec![
        Number(Some(row.id.cast_signed())),
        Number(Some(row.time)),
        Text(Some(row.kind)),
        Text(row.session.as_deref()),
        Number(row.owner.map(i64::from)),
        Text(row.assistant.as_deref()),
        Text(row.policy.as_deref()),
        Text(row.rule.as_deref()),
        Text(row.verdict),
        Truth(row.passed),
        Text(row.operation),
        Text(row.path.as_deref()),
        Text(row.address.as_deref()),
        Text(row.program.as_deref()),
        Number(row.hold.map(u64::cast_signed)),
        Text(row.decision),
        Text(row.decided_by.as_deref()),
        Text(line.status_code.as_deref()),
        Text(line.status_detail.as_deref()),
        Number(Some(line.severity_id.into())),
        Text(Some(text)),
    ]
}

fn fill<'a>(column: &mut ColumnWriter<'_>, cells: impl Iterator<Item = &'a Cell<'a>>) -> Result<()> {
    let mut levels = Vec::new();
    match column {
        ColumnWriter::Int64ColumnWriter(typed) => {
            let mut values = Vec::new();
            for cell in cells {
                let Cell::Number(number) = cell else { continue };
                levels.push(i16::from(number.is_some()));
                values.extend(*number);
            }
            typed.write_batch(&values, Some(&levels), None).map(drop)
        }
        ColumnWriter::BoolColumnWriter(typed) => {
            let mut values = Vec::new();
            for cell in cells {
                let Cell::Truth(truth) = cell else { continue };
                levels.push(i16::from(truth.is_some()));
                values.extend(*truth);
            }
            typed.write_batch(&values, Some(&levels), None).map(drop)
        }
        ColumnWriter::ByteArrayColumnWriter(typed) => {
            let mut values = Vec::new();
            for cell in cells {
                let Cell::Text(text) = cell else { continue };
                levels.push(i16::from(text.is_some()));
                values.extend(text.map(ByteArray::from));
            }
            typed.write_batch(&values, Some(&levels), None).map(drop)
        }
        _ => Err(ParquetError::General("a column of another type".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::RowAccessor;

    use super::*;
    use crate::log::writer::{Log, Options};
    use crate::ocsf::samples::denial;

    #[test]
    fn what_is_written_is_read_back() {
        let state = tempfile::tempdir().unwrap();
        let usual = crate::log::writer::Options::default();
        let mut log = Log::open(state.path(), "box", "b", Options { ..usual }).unwrap();
        log.append(&(0..30).map(denial).collect::<Vec<_>>()).unwrap();
        drop(log);
        let text = std::fs::read_to_string(state.path().join("trail/0000000000000000.jsonl")).unwrap();
        let lines: Vec<(&str, Line<'_>)> =
            text.lines().map(|line| (line, serde_json::from_str(line).unwrap())).collect();
        let path = state.path().join("out.parquet");
        let mut table = Table::begin(std::fs::File::create(&path).unwrap()).unwrap();
        for portion in lines.chunks(7) {
            table.write(portion.iter().map(|(text, line)| (*text, line))).unwrap();
        }
        table.finish().unwrap();
        let reader = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.len(), lines.len());
        for (row, (text, line)) in rows.iter().zip(&lines) {
            assert_eq!(row.get_long(0).unwrap().cast_unsigned(), line.metadata.sequence);
            assert_eq!(row.get_timestamp_micros(1).unwrap(), line.time_dt.micros());
            assert_eq!(row.get_string(20).unwrap(), text);
            assert_eq!(row.get_long(19).unwrap(), i64::from(line.severity_id));
            let is_event = row.get_string(2).unwrap() == "event";
            assert_eq!(row.get_string(8).is_ok_and(|verdict| verdict == "deny"), is_event);
            assert_eq!(row.get_bool(9).is_ok_and(|passed| !passed), is_event);
            assert_eq!(row.get_string(11).is_ok_and(|path| path.contains("secret")), is_event);
        }
    }
}
