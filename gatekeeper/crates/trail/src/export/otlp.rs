//! OpenTelemetry's log records, over HTTP in protobuf.
//!
//! The protocol's own crate for the form, a plain HTTP client for the way: `opentelemetry-otlp` hides the collector's
//! answer behind its queue, and the cursor must not move before that is known.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use serde_json::Value;
use tracing::warn;

use super::fields::Fields;
use super::http::{Client, Url};
use super::reader::Batch;
use super::sink::{SendError, Sink};
use gatekeeper_record::time::Moment;

/// The sink.
pub struct Otlp {
    client: Client,
    rejected: u64,
}

impl Otlp {
    /// A collector.
    pub fn new(url: Url, timeout: Duration) -> Self {
        Self { client: Client::new(url, timeout), rejected: 0 }
    }
}

fn any(value: Value) -> AnyValue {
    let value = match value {
        Value::Null => None,
        Value::Bool(truth) => Some(Any::BoolValue(truth)),
        Value::Number(number) => Some(match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Any::IntValue(whole),
            // Beyond what the protocol's whole numbers hold.
            (None, _) if number.is_u64() => Any::StringValue(number.to_string()),
            (None, real) => Any::DoubleValue(real.unwrap_or_default()),
        }),
        Value::String(text) => Some(Any::StringValue(text)),
        Value::Array(list) => {
            Some(Any::ArrayValue(ArrayValue { values: list.into_iter().map(any).collect() }))
        }
        Value::Object(map) => {
            let values = map.into_iter().map(|(key, value)| pair(&key, any(value))).collect();
            Some(Any::KvlistValue(KeyValueList { values }))
        }
    };
    AnyValue { value }
}

fn pair(key: &str, value: AnyValue) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

fn text(key: &str, value: &str) -> KeyValue {
    pair(key, AnyValue { value: Some(Any::StringValue(value.to_owned())) })
}

/// A record as the collector takes it: the whole of it is the body, and a few fields are attributes.
fn record(line: &[u8], now: u64) -> Result<LogRecord, SendError> {
    let fields = Fields::of(line)?;
    let whole: Value = serde_json::from_slice(line)
        .map_err(|error| SendError::new(format!("a record of the trail: {error}")))?;
    let time = serde_json::from_value::<Moment>(whole["time_dt"].clone()).ok();
    let mut attributes = vec![
        text("log.record.uid", &fields.name()),
        text("gatekeeper.message", &fields.message),
        text("gatekeeper.type", &fields.unmapped.kind),
    ];
    let optional = [
        ("session.id", fields.session()),
        ("gatekeeper.operation", fields.unmapped.operation.as_deref()),
        ("gatekeeper.verdict", fields.unmapped.verdict.as_deref()),
    ];
    attributes.extend(optional.iter().filter_map(|(key, value)| Some(text(key, (*value)?))));
    Ok(LogRecord {
        time_unix_nano: time.map_or(0, |time| time.micros().cast_unsigned() * 1000),
        observed_time_unix_nano: now,
        severity_number: severity(fields.severity_id),
        severity_text: fields.severity.clone(),
        body: Some(any(whole)),
        attributes,
        event_name: format!("gatekeeper.{}", fields.unmapped.kind),
        ..LogRecord::default()
    })
}

/// The protocol's INFO, INFO2, WARN, ERROR and FATAL.
fn severity(id: u8) -> i32 {
    match id {
        5 => 21,
        4 => 17,
        3 => 13,
        2 => 10,
        _ => 9,
    }
}

fn request(batch: &Batch) -> Result<ExportLogsServiceRequest, SendError> {
    let now = Moment::now().micros().cast_unsigned() * 1000;
    let log_records: Vec<LogRecord> =
        batch.lines.iter().map(|line| record(line, now)).collect::<Result<_, _>>()?;
    let host = batch.lines.first().map(|line| Fields::of(line)).transpose()?;
    let host = host.map(|fields| fields.device.hostname).unwrap_or_default();
    let version = env!("CARGO_PKG_VERSION");
    let attributes =
        vec![text("service.name", "gatekeeper"), text("service.version", version), text("host.name", &host)];
    let scope = InstrumentationScope {
        name: "gatekeeper".to_owned(),
        version: version.to_owned(),
        ..InstrumentationScope::default()
    };
    let scope_logs = vec![ScopeLogs { scope: Some(scope), log_records, schema_url: String::new() }];
    let resource = Resource { attributes, ..Resource::default() };
    let logs = ResourceLogs { resource: Some(resource), scope_logs, schema_url: String::new() };
    Ok(ExportLogsServiceRequest { resource_logs: vec![logs] })
}

impl Sink for Otlp {
    fn send(&mut self, batch: &Batch) -> Result<usize, SendError> {
        let body = request(batch)?.encode_to_vec();
        let answer = self.client.post(&body, "application/x-protobuf", &[])?;
        let answer = ExportLogsServiceResponse::decode(answer.as_slice())
            .map_err(|error| SendError::new(format!("the collector's answer: {error}")))?;
        // These must not be sent again, says the protocol.
        let partial = answer.partial_success.unwrap_or_default();
        self.rejected = partial.rejected_log_records.max(0).cast_unsigned();
        if self.rejected > 0 {
            warn!("the collector rejected {} records: {}", self.rejected, partial.error_message);
        }
        Ok(batch.lines.len())
    }

    fn rejected(&self) -> u64 {
        self.rejected
    }
}
