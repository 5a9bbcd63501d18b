//! Sentences of contracts as different buyers write them, each with what it tells: `tests/fixtures/wordings.txt`.
//!
//! A line `== KIND file` begins a piece. `{term}` or `{term=figure}` in front of words says that they tell that term, with that figure;
//! `{-}` that they tell none, `{!term}` that they do not tell that one. What is not told is listed, so that a change shows what it lost.

use vigie_domain::{DateKind, ProvisionKind};

use super::{Amount, Envelope, Finding, Term, What, of_piece};
use crate::kind;
use crate::piece::{Passage, Place, Text};
use crate::written::Written;
use vigie_classify::fold::fold;

const WORDINGS: &str = include_str!("../../tests/fixtures/wordings.txt");

/// Words and what they tell.
struct Expected {
    tag: String,
    words: String,
}

/// A piece's text without its tags, and what it is expected to tell.
fn pieces() -> Vec<(String, String, Vec<Expected>)> {
    let mut out: Vec<(String, String, Vec<Expected>)> = Vec::new();
    let other = std::env::var("NEW_WORDINGS").ok().map(|p| std::fs::read_to_string(p).expect("read"));
    for line in other.as_deref().unwrap_or(WORDINGS).lines() {
        if let Some((_, name)) = line.strip_prefix("== ").and_then(|l| l.split_once(' ')) {
            out.push((name.to_owned(), String::new(), Vec::new()));
            continue;
        }
        let Some((_, text, expected)) = out.last_mut() else { continue };
        let mut parts = line.split('{');
        text.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let (tag, words) = part.split_once('}').expect("a tag is closed");
            text.push_str(words);
            expected.push(Expected { tag: tag.to_owned(), words: words.trim().to_owned() });
        }
        text.push('\n');
    }
    out
}

/// Whether a quote is of these words, or these are of the quote.
fn of(quote: &str, words: &str) -> bool {
    let (quote, words) = (fold(quote), fold(words));
    let (quote, words) = (
        quote.trim_matches(['.', ' ', ';', ',', '|', '(', ')']),
        words.trim_matches(['.', ' ', ';', ',', '|', '(', ')']),
    );
    quote.contains(words) || words.contains(quote)
}

fn number(text: &str) -> f64 {
    text.trim_end_matches('m').parse().expect("a figure")
}

fn says(amount: Option<Amount>, figure: &str) -> bool {
    match (amount, figure) {
        (_, "") => true,
        (Some(Amount::Allowed(yes)), "yes" | "no") => yes == (figure == "yes"),
        (Some(Amount::Months(n)), _) if figure.ends_with('m') => n == number(figure),
        (Some(Amount::Euros(n) | Amount::Percent(n) | Amount::Days(n)), _) if figure != "no" => n == number(figure),
        _ => false,
    }
}

fn tells(finding: &Finding, tag: &str, figure: &str) -> bool {
    let term = |wanted: &[Term]| matches!(&finding.what, What::Term { term, amount, .. } if wanted.contains(term) && says(*amount, figure));
    let required = |wanted| matches!(&finding.what, What::Required { envelope, .. } if *envelope == wanted);
    let date = |wanted: DateKind| matches!(&finding.what, What::Date(d) if d.kind == wanted && d.at.format("%Y-%m-%d").to_string() == figure);
    match tag {
        "cand" => required(Envelope::Candidature),
        "offer" => required(Envelope::Tender),
        "winner" => !required(Envelope::Candidature) && !required(Envelope::Tender),
        "certificate" => term(&[Term::Certificate]),
        "references" => term(&[Term::References]),
        "turnover" => term(&[Term::MinimumTurnover]),
        "question" => term(&[Term::QuestionDelay]),
        "visit" => term(&[Term::Visit]),
        "validity" => term(&[Term::Validity]),
        "variants" => term(&[Term::Variants]),
        "advance" => term(&[Term::Advance]),
        "payment" => term(&[Term::PaymentDelay]),
        "retention" => term(&[Term::Retention]),
        "revision" => term(&[Term::PriceRevision]),
        "insurance" => term(&[Term::Insurance]),
        "publics" => term(&[Term::Publics]),
        "modalities" => term(&[Term::Modalities]),
        "facilitator" => term(&[Term::Facilitator]),
        "proof" => term(&[Term::ClauseProof]),
        "penalty" => term(&[Term::ClausePenalty]),
        "social" => term(&[Term::SocialMethod]),
        "reserved" => matches!(&finding.what, What::Provision(p) if p.kind == ProvisionKind::Reserved),
        "duty" => term(&[Term::ClauseDuty, Term::ClauseHours]),
        "staff" => {
            term(&[Term::StaffTakeover])
                || figure == "yes"
                    && matches!(&finding.what, What::Term { term: Term::StaffTakeover, amount, .. } if *amount != Some(Amount::Allowed(false)))
        }
        "date" => date(DateKind::Tender),
        "questions" => date(DateKind::Questions),
        "visitday" => date(DateKind::Visit),
        "hours" => matches!(&finding.what, What::Provision(p) if p.hours == Some(number(figure))),
        "share" => matches!(&finding.what, What::Provision(p) if p.percent == Some(number(figure))),
        "crit" => matches!(&finding.what, What::Criterion { weight, .. } if *weight == Some(number(figure))),
        _ => panic!("no such tag: {tag}"),
    }
}

#[test]
fn sentences_tell_what_they_say_however_they_are_written() {
    let mut missed = Vec::new();
    let mut all = 0;
    for (name, text, expected) in pieces() {
        let text = Text { passages: vec![Passage::new(Place::Page(1), text)], ..Text::default() };
        let found = of_piece(&Written::of(&name, kind::kind(&name, &text), &text));
        for Expected { tag, words } in expected {
            all += 1;
            let (tag, figure) = tag.split_once('=').unwrap_or((&tag, ""));
            let near: Vec<&Finding> = found.iter().filter(|f| of(&f.quote, &words)).collect();
            let told = match tag {
                "-" => near.is_empty(),
                _ if tag.starts_with('!') => !near.iter().any(|f| tells(f, &tag[1..], figure)),
                "winner" => near.iter().all(|f| tells(f, tag, figure)),
                _ => near.iter().any(|f| tells(f, tag, figure)),
            };
            if !told {
                let told: Vec<String> =
                    near.iter().map(|f| format!("{:?}", f.what).chars().take(90).collect()).collect();
                missed.push(format!("{name}: {{{tag}={figure}}} {words}\n      {told:?}"));
            }
        }
    }
    let right = all - missed.len();
    assert!(missed.is_empty(), "{right} of {all} told; not these:\n{}", missed.join("\n"));
}
