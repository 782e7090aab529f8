//! Required records: the word in the policy, and the bit in the image.

use gatekeeper_common::image::Protocol;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Verdict;

use super::compile;
use crate::explain::Question;

fn file(path: &str, operation: Operation) -> Question {
    Question::File(path.as_bytes().to_vec(), vec![operation])
}

#[test]
fn a_rule_or_a_class_is_enough() {
    let compiled = compile(include_str!("record.toml")).unwrap();
    let judged = |question: &Question| {
        let (_, cell) = compiled.judge(question);
        (cell.verdict().unwrap(), cell.is_required())
    };
    assert_eq!(judged(&file("/a/x", Operation::Read)), (Verdict::Audit, false));
    assert_eq!(judged(&file("/a/ledger", Operation::Read)), (Verdict::Audit, true));
    assert_eq!(judged(&file("/a/ledger", Operation::Write)), (Verdict::Audit, false));
    // The stricter verdict of another rule takes nothing away.
    assert_eq!(judged(&file("/b/ledger", Operation::Read)), (Verdict::Ask, true));
    assert_eq!(judged(&Question::exec(b"/bin/a")), (Verdict::Allow, true));
    assert_eq!(judged(&Question::exec(b"/bin/b")), (Verdict::Deny, false));
    let address = Question::Net("10.0.0.1:443".parse().unwrap(), Protocol::Tcp, Operation::Connect);
    assert_eq!(judged(&address), (Verdict::Audit, true));
}

#[test]
fn where_there_is_nothing_to_require_the_word_is_an_error() {
    for (rule, problem) in [
        ("[[file]]\nverdict = 'deny'\npath = ['/a']\nrecord = 'required'\n", "lets nothing pass"),
        ("[[file]]\nverdict = 'allow'\npath = ['/a']\nrecord = 'required'\n", "`[[file]]` rule allows"),
        ("[[exec]]\nverdict = 'allow'\nprogram = ['/a']\nrecord = 'always'\n", "unknown variant `always`"),
        ("[record]\nrequired = ['disk']\n", "unknown variant `disk`"),
        ("[record]\nrequired = []\n", "empty list"),
    ] {
        let error = compile(&format!("version = 1\nname = 't'\n{rule}")).expect_err(rule);
        assert!(error.problem.contains(problem), "{error}");
        assert!(error.line > 2, "{error}");
    }
}
