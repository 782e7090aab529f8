//! Questions to the index.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use rusqlite::params_from_iter;
use rusqlite::types::Value;
use serde::Serialize;

use super::table::{Index, IndexError};
use gatekeeper_record::decision::{HoldId, Outcome};
use gatekeeper_record::time::Moment;

/// The conditions that records must fit; those that are left out do not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// `event`, `session`, `assistant_report`, `decision`, `lost`, `daemon`, `policy_refused`, `hook`, `trail`.
    pub kind: Option<String>,
    /// Of this session.
    pub session: Option<String>,
    /// Not before.
    pub since: Option<Moment>,
    /// Not after.
    pub until: Option<Moment>,
    /// The verdict of the rules.
    pub verdict: Option<String>,
    /// Only what passed, or only what was refused.
    pub passed: Option<bool>,
    /// The operation that was asked for.
    pub operation: Option<String>,
    /// A pattern for the path: `*` and `?` stand for anything, `/` included.
    pub path: Option<String>,
    /// The beginning of the address.
    pub address: Option<String>,
    /// The rule that decided.
    pub rule: Option<String>,
    /// The policy that decided.
    pub policy: Option<String>,
    /// The owner's user id.
    pub owner: Option<u32>,
    /// The assistant, with or without its folder.
    pub assistant: Option<String>,
    /// About this hold: its announcement, its decisions, the records that followed.
    pub hold: Option<HoldId>,
    /// The decision on a hold.
    pub decision: Option<Outcome>,
    /// The person or the check that decided.
    pub decided_by: Option<String>,
    /// Words in the message, and in what [`super::Row`] puts beside it.
    pub text: Option<String>,
    /// At most so many, the latest; of statistics, the length of each list.
    pub last: Option<usize>,
}

impl Query {
    /// The conditions, and what stands in them.
    fn conditions(&self) -> (String, Vec<Value>) {
        let (mut sql, mut values) = (String::from("1"), Vec::new());
        let mut put = |condition: &str, value: Option<Value>| {
            if let Some(value) = value {
                values.push(value);
                sql.push_str(" AND ");
                sql.push_str(&condition.replace('#', &format!("?{}", values.len())));
            }
        };
        let text = |text: &Option<String>| text.clone().map(Value::Text);
        put("kind = #", text(&self.kind));
        put("session = #", text(&self.session));
        put("time >= #", self.since.map(|since| Value::Integer(since.micros())));
        put("time <= #", self.until.map(|until| Value::Integer(until.micros())));
        put("verdict = #", text(&self.verdict));
        put("passed = #", self.passed.map(|passed| Value::Integer(passed.into())));
        put("operation = #", text(&self.operation));
        put("path GLOB #", text(&self.path));
        put("substr(address, 1, length(#)) = #", text(&self.address));
        put("rule = #", text(&self.rule));
        put("policy = #", text(&self.policy));
        put("owner = #", self.owner.map(|owner| Value::Integer(owner.into())));
        put("(assistant = # OR assistant GLOB '*/' || #)", text(&self.assistant));
        put("hold = #", self.hold.map(|hold| Value::Integer(hold.number().cast_signed())));
        put("decision = #", self.decision.map(|outcome| Value::Text(outcome.word().to_owned())));
        put("decided_by = #", text(&self.decided_by));
        put("instr(lower(message), lower(#)) > 0", text(&self.text));
        (sql, values)
    }
}

/// A value with its count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// The value.
    pub value: String,
    /// The number of records with it.
    pub count: u64,
}

/// The values that are most frequent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Records in all.
    pub records: u64,
    /// By kind.
    pub kinds: Vec<Count>,
    /// Operations by what became of them.
    pub operations: Vec<Count>,
    /// Rules that refused.
    pub rules: Vec<Count>,
    /// Paths and addresses refused.
    pub refused: Vec<Count>,
    /// Sessions with their records.
    pub sessions: Vec<Count>,
    /// Programs started.
    pub programs: Vec<Count>,
    /// Decisions on holds, and by whom.
    pub decisions: Vec<Count>,
}

impl Index {
    /// The numbers of the records that fit, in their order.
    ///
    /// # Errors
    /// Where the table can't be asked.
    pub fn search(&self, query: &Query) -> Result<Vec<u64>, IndexError> {
        let (conditions, mut values) = query.conditions();
        values.push(Value::Integer(query.last.map_or(-1, |last| i64::try_from(last).unwrap_or(i64::MAX))));
        let sql =
            format!("SELECT id FROM record WHERE {conditions} ORDER BY id DESC LIMIT ?{}", values.len());
        let mut statement = self.table.prepare(&sql)?;
        let found = statement.query_map(params_from_iter(values), |row| row.get::<_, i64>(0))?;
        let mut ids = found.map(|id| id.map(i64::cast_unsigned)).collect::<Result<Vec<_>, _>>()?;
        ids.reverse();
        Ok(ids)
    }

    /// Counts the values that are most frequent among the records that fit.
    ///
    /// # Errors
    /// Where the table can't be asked.
    pub fn stats(&self, query: &Query) -> Result<Stats, IndexError> {
        let top = query.last.unwrap_or(10);
        let count = |what: &str, also: &str| self.count(query, what, also, top);
        Ok(Stats {
            records: count("''", "1")?.first().map_or(0, |count| count.count),
            kinds: count("kind", "1")?,
            operations: count(
                "operation || CASE passed WHEN 1 THEN ' passed' WHEN 0 THEN ' refused' ELSE ' held' END",
                "1",
            )?,
            rules: count("rule", "passed = 0")?,
            refused: count("operation || ' ' || coalesce(path, address, '-')", "passed = 0")?,
            sessions: count("session", "1")?,
            programs: count("path", "operation = 'exec' AND passed = 1")?,
            decisions: count("decision || coalesce(' by ' || decided_by, '')", "1")?,
        })
    }

    fn count(&self, query: &Query, what: &str, also: &str, top: usize) -> Result<Vec<Count>, IndexError> {
        let (conditions, values) = query.conditions();
        let sql = format!(
            "SELECT {what} AS what, count(*) AS many FROM record WHERE {conditions} AND {also} AND what IS NOT NULL
             GROUP BY what ORDER BY many DESC, what LIMIT {top}"
        );
        let mut statement = self.table.prepare(&sql)?;
        let found = statement.query_map(params_from_iter(values), |row| {
            Ok(Count { value: row.get(0)?, count: row.get::<_, i64>(1)?.cast_unsigned() })
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }
}
