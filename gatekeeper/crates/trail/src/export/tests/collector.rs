//! An OpenTelemetry collector.

use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use prost::Message;

use super::servers::{Answer, serve};
use super::web::url;
use super::*;
use crate::export::setting::Url;

#[test]
fn a_collector_gets_log_records_and_may_reject_some() {
    let mut trail = Trail::new();
    let taken = Taken::default();
    let kept = taken.clone();
    let server = serve("127.0.0.1:0", move |request| {
        assert_eq!(request.header("content-type"), "application/x-protobuf");
        assert_eq!(request.header("authorization"), "Bearer who I am");
        let logs = ExportLogsServiceRequest::decode(request.body.as_slice()).unwrap();
        let resource = &logs.resource_logs[0];
        let named = &resource.resource.as_ref().unwrap().attributes;
        assert!(named.iter().any(|pair| pair.key == "host.name"));
        for record in &resource.scope_logs[0].log_records {
            assert!(record.time_unix_nano > 1_500_000_000_000_000_000 && record.severity_number >= 9);
            let text = |key: &str| record.attributes.iter().find(|pair| pair.key == key).cloned();
            assert!(text("log.record.uid").is_some() && text("gatekeeper.type").is_some());
            let Some(Any::KvlistValue(body)) = record.body.clone().unwrap().value else { panic!("no map") };
            let metadata = body.values.iter().find(|pair| pair.key == "metadata").unwrap();
            let Some(Any::KvlistValue(metadata)) = metadata.value.clone().unwrap().value else {
                panic!("no map")
            };
            let sequence = metadata.values.iter().find(|pair| pair.key == "sequence").unwrap();
            let Some(Any::IntValue(sequence)) = sequence.value.clone().unwrap().value else {
                panic!("no number")
            };
            kept.add(format!("{{\"metadata\":{{\"sequence\":{sequence}}}}}").as_bytes());
        }
        let partial = ExportLogsPartialSuccess { rejected_log_records: 1, error_message: "one".into() };
        let answer = ExportLogsServiceResponse { partial_success: Some(partial) };
        Some(Answer("200 OK", "Content-Type: application/x-protobuf\r\n", answer.encode_to_vec()))
    });
    let file = trail.path().join("token");
    std::fs::write(&file, "who I am\n").unwrap();
    let exports = trail.export(&Target::Otlp(Url { token: Some(file), ..url(&server) }));
    trail.write(200);
    taken.all(trail.settle());
    let done = state(&exports, &trail);
    assert!(done.rejected >= 4 && done.error.is_none(), "{done:?}");
}
